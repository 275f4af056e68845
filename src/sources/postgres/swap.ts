import {z} from 'zod';
import {TimetilesError} from '../../shared/errors.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {Connection} from './connection.ts';
import {applicationPrefix} from './programs.ts';
import {queryJson, runSql} from './psql.ts';
import {identifier, literal, maintenanceDatabase} from './sql.ts';
import {sqlstates} from './sqlstate.ts';
import {freeDatabase} from './subscriptions.ts';

/** The three names between which databases change during a restore. */
export interface SwapNames {
  readonly live: string;
  readonly scratch: string;
  readonly previous: string;
  /** Whether there was a live database when the restore began. */
  readonly hadLive: boolean;
}

const renameAttempts = {limit: 30_000, interval: 500};
/** A checkpoint comes before the files of a database go, and a busy disk takes its time for both. In seconds. */
const dropLimit = 1800;
const restAttempts = {limit: 30_000, interval: 100};

/** What stands in the way of using a database that exists. */
export interface DatabaseState {
  /** False when a DROP DATABASE of it was interrupted: parts of it may be gone, and all that is left to do is to drop it. */
  readonly isValid: boolean;
  readonly isTemplate: boolean;
}

const statesSchema = z.array(z.object({name: z.string(), isValid: z.boolean(), isTemplate: z.boolean()}));

/** Those of some databases that exist. */
export async function readDatabases(connection: Connection, names: readonly string[], run: string): Promise<Map<string, DatabaseState>> {
  const list = names.map(literal).join(', ');
  const found = await queryJson(
    connection,
    `select coalesce(json_agg(json_build_object('name', datname, 'isValid', datconnlimit <> -2, 'isTemplate', datistemplate)), '[]') from pg_database where datname in (${list});`,
    {database: maintenanceDatabase(connection.database), run},
  );
  return new Map(statesSchema.parse(found).map(({name, ...state}) => [name, state]));
}

/**
 * The same once no other session of this restore is left. One that outlived a killed run may still wait for a lock,
 * and would make or rename a database after all has been put in order.
 */
async function databasesAtRest(connection: Connection, names: readonly string[], run: string): Promise<Map<string, DatabaseState>> {
  const atRest = await waitUntil(async () => (await endSessions(connection, run)) === 0, restAttempts);
  if (!atRest) throw new TimetilesError('restore', 'a session of the interrupted restore does not end', `Look for it: select * from pg_stat_activity where application_name like '${applicationPrefix}%'`);
  return readDatabases(connection, names, run);
}

/** Ends all other sessions of a run. @returns how many there were */
export async function endSessions(connection: Connection, run: string): Promise<number> {
  const end = `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = ${literal(applicationPrefix + run)} and pid <> pg_backend_pid();`;
  return Number((await runSql(connection, end, {database: maintenanceDatabase(connection.database), run}))[0]);
}

/** live becomes previous and scratch becomes live, in one transaction. Does nothing where that has happened. */
export async function swapDatabases(connection: Connection, names: SwapNames, run: string): Promise<void> {
  const existing = await databasesAtRest(connection, [names.live, names.scratch, names.previous], run);
  if (!existing.has(names.scratch)) {
    // Without any of the three the server was lost or made anew meanwhile: nothing is left to be put in order.
    if (existing.has(names.live) || !existing.has(names.previous)) return;
    throw new TimetilesError('restore', `the restored database ${names.scratch} is gone`, `Bring the one from before it back (ALTER DATABASE ${identifier(names.previous)} RENAME TO ${identifier(names.live)};), then restore again.`);
  }
  requireValid(names.scratch, existing);
  const moves = existing.has(names.live) ? [[names.live, names.previous] as const] : [];
  await renameDatabases(connection, [...moves, [names.scratch, names.live]], run);
}

/** Takes back whatever of the restore has happened; the database that was live is live again, scratch is gone. */
export async function revertDatabases(connection: Connection, names: SwapNames, run: string): Promise<void> {
  const existing = await databasesAtRest(connection, [names.live, names.scratch, names.previous], run);
  const swapped = !existing.has(names.scratch) && (existing.has(names.previous) || !names.hadLive);
  if (swapped && existing.has(names.live)) {
    requireValid(names.previous, existing);
    const back = existing.has(names.previous) ? [[names.previous, names.live] as const] : [];
    await renameDatabases(connection, [[names.live, names.scratch], ...back], run);
  }
  await dropDatabase(connection, names.scratch, run);
}

/** PostgreSQL renames an invalid database as willingly as any other, and lets nobody in afterwards. */
function requireValid(name: string, states: ReadonlyMap<string, DatabaseState>): void {
  if (states.get(name)?.isValid !== false) return;
  throw new TimetilesError('restore', `the database ${name} is not whole any more: a DROP DATABASE of it was interrupted`, `The live database was not touched. Remove what is left of the other (DROP DATABASE ${identifier(name)};) and restore a set: timetiles backup list`);
}

/**
 * Drops a database if it exists, with all sessions in it; also one whose last DROP DATABASE was interrupted, which
 * nothing else can be done with.
 */
export async function dropDatabase(connection: Connection, name: string, run: string): Promise<void> {
  const options = {database: maintenanceDatabase(connection.database), run};
  const state = (await readDatabases(connection, [name], run)).get(name);
  if (!state) return;
  if (state.isValid) await freeDatabase(connection, name, {maintenance: options.database, run});
  const sessions = `from pg_stat_activity where datname = ${literal(name)} and pid <> pg_backend_pid();`;
  // With FORCE nobody can come back in between; PostgreSQL 12 does not have it.
  const script = `${state.isTemplate && state.isValid ? `alter database ${identifier(name)} is_template false;` : ''}
     select pg_terminate_backend(pid) ${sessions}
     select current_setting('server_version_num')::int >= 130000 as "canForce" \\gset
     \\if :canForce
       drop database if exists ${identifier(name)} with (force);
     \\else
       drop database if exists ${identifier(name)};
     \\endif`;
  let last: unknown;
  const done = await waitUntil(async () => {
    try {
      await runSql(connection, script, {...options, limit: dropLimit});
      return true;
    } catch (error) {
      last = error;
      // Prepared transactions hold a database as sessions do, and do not go away by themselves.
      if (!isInUse(error) || Number((await runSql(connection, `select count(*) ${sessions}`, options))[0]) === 0) throw error;
      return false;
    }
  }, renameAttempts);
  if (!done) throw last;
}

function isInUse(error: unknown): boolean {
  return error instanceof TimetilesError && error.sqlstate === sqlstates.objectInUse;
}

/**
 * Renames databases in one transaction. A rename wants nobody connected: sessions are ended first, and again when an
 * impatient client is back before the rename.
 */
async function renameDatabases(connection: Connection, renames: readonly (readonly [string, string])[], run: string): Promise<void> {
  const names = renames.map(([from]) => literal(from)).join(', ');
  const script = [
    'begin;',
    `select pg_terminate_backend(pid) from pg_stat_activity where datname in (${names}) and pid <> pg_backend_pid();`,
    ...renames.map(([from, to]) => `alter database ${identifier(from)} rename to ${identifier(to)};`),
    'commit;',
  ].join('\n');
  let last: unknown;
  const done = await waitUntil(async () => {
    try {
      await runSql(connection, script, {database: maintenanceDatabase(connection.database), run});
      return true;
    } catch (error) {
      if (!isInUse(error)) throw error;
      last = error;
      return false;
    }
  }, renameAttempts);
  if (!done) throw new TimetilesError('restore', 'other programs keep connecting to the database', 'Stop them, or add their services to RESTORE_STOP_SERVICES, and restore again.', {cause: last});
}
