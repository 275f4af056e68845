import type {SourceContext} from '../source.ts';
import {readBackupNotes} from './backup-notes.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {findDataPlaces, type DataPlace} from './data-places.ts';
import {findDatabases, type FindDatabases, type FoundDatabases} from './find-database.ts';
import {askerOf, runName} from './psql.ts';
import {requireDatabase} from './require-database.ts';

/** What was looked at of a database before it is saved. */
export interface DatabaseInspection {
  readonly connection: Connection;
  /** What a dump of it could not bring back, a line each. */
  readonly limits: readonly string[];
  /** Where its server keeps its data, the data directory first. */
  readonly places: readonly DataPlace[];
}

/** The same of the main database, with the others of its server. */
export type ServerInspection = DatabaseInspection & FoundDatabases;

/**
 * Finds the databases of the server that are to be saved, and looks at the main one: all that a backup asks before it begins, before the first byte.
 * @throws TimetilesError `ambiguous` with a line for each where several may be the main one
 */
export async function inspectServer(context: SourceContext, request: FindDatabases): Promise<ServerInspection> {
  const connection = await connectDatabase(context);
  const found = await findDatabases(context, connection, request, askerOf(connection, inspecting(context)));
  // There may be another way in to another database.
  return {...found, ...(await lookAt(context, found.connection))};
}

/**
 * Looks at the database that the context leads to.
 * @param places of its server, where they are known
 */
export async function inspectDatabase(context: SourceContext, places?: readonly DataPlace[]): Promise<DatabaseInspection> {
  const connection = await connectDatabase(context);
  requireDatabase(connection);
  return lookAt(context, connection, places);
}

async function lookAt(context: SourceContext, connection: Connection, places?: readonly DataPlace[]): Promise<DatabaseInspection> {
  const ask = askerOf(connection, inspecting(context));
  const limits = await readBackupNotes(ask);
  return {connection, limits, places: places ?? (await findDataPlaces(connection, ask))};
}

function inspecting(context: SourceContext): {readonly run: string} {
  return {run: runName(context.restic.repository, 'inspect')};
}
