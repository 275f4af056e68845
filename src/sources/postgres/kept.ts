import {z} from 'zod';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {KeptData} from '../leftover.ts';
import type {JournalEntry, SourceContext} from '../source.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {queryJson, type PsqlOptions} from './psql.ts';
import {entryOf} from './entry.ts';
import {literal, maintenanceDatabase} from './sql.ts';
import {readDatabases} from './swap.ts';

/** What holds rows of its own; extensions' tables count too, since they are a part of what is kept. */
const tablesQuery = `select count(*) from pg_class where relkind in ('r', 'm', 'p');`;

/**
 * Looks at the database that a restore kept, and into it: one that cannot be connected to is no use as the live one.
 * Undefined also where the restore made a database that was not there before: then there is nothing to return to.
 */
export async function inspectKeptDatabase(context: SourceContext, journalEntry: JournalEntry): Promise<KeptData | undefined> {
  const {names, run} = entryOf(journalEntry);
  const connection = await connectDatabase(context);
  const state = (await readDatabases(connection, [names.previous], run)).get(names.previous);
  if (!state) return undefined;
  // Null where a DROP DATABASE that was interrupted has removed all files.
  const size = z.number().nullable().parse((await queryJson(connection, `select pg_database_size(${literal(names.previous)});`, {database: maintenanceDatabase(names.live), run})) ?? null);
  const {count, problem} = state.isValid ? await countTables(connection, {database: names.previous, run}) : {count: 0, problem: 'a DROP DATABASE of it was interrupted, so parts of it are gone'};
  return {
    bytes: size ?? 0,
    items: {count, noun: 'table'},
    problem,
    description: `database ${names.live} in the container ${connection.container.name}, kept as ${names.previous}`,
    mustStop: [],
  };
}

async function countTables(connection: Connection, options: PsqlOptions): Promise<{count: number; problem?: string}> {
  try {
    return {count: z.number().parse(await queryJson(connection, tablesQuery, options))};
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'database') throw error;
    return {count: 0, problem: `nobody can connect to it: ${messageOf(error)}`};
  }
}
