import type {SourceContext, SourceRecord} from '../source.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {readDatabaseNames} from './database-names.ts';
import {readDetails} from './facts.ts';

/** Connects to the database that a snapshot is restored into. It may not be there yet. */
export async function connectTarget(context: SourceContext, record: SourceRecord | undefined): Promise<Connection> {
  const connection = await connectDatabase(context);
  if (context.database !== undefined) return connection;
  const {details} = readDetails(record);
  const saved = details && {name: details.database.name, preferred: details.preferred};
  const target = targetDatabase({configured: context.settings.DB_NAME, connected: connection.database, saved});
  return target === connection.database ? connection : connectDatabase(context, target);
}

/**
 * The database that a set's main one is restored into: where DB_NAME names one, that one; where it names several, the
 * one of that name. Without DB_NAME the one that the container names, but for a set of a database that was saved in
 * stead of that very one. Pure.
 */
export function targetDatabase({configured, connected, saved}: {configured: string | undefined; connected: string; saved: {name: string; preferred: string | undefined} | undefined}): string {
  if (!saved) return connected;
  const {names, all} = readDatabaseNames(configured);
  if (all || names.includes(saved.name)) return saved.name;
  if (names.length > 0) return connected;
  return saved.preferred === connected ? saved.name : connected;
}
