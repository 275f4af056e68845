import {z} from 'zod';
import {TimetilesError} from '../../shared/errors.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {Connection} from './connection.ts';
import {applicationPrefix, queryJson, runSql} from './psql.ts';
import {identifier, literal} from './sql.ts';
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
const restAttempts = {limit: 30_000, interval: 100};

/** The database that is connected to while others are renamed; one cannot rename the one it is in. */
export function maintenanceDatabase(live: string): string {
  return live === 'postgres' ? 'template1' : 'postgres';
}

/** Which of some databases exist. */
export async function existingDatabases(connection: Connection, names: readonly string[], run: string): Promise<Set<string>> {
  const list = names.map(literal).join(', ');
  const found = await queryJson(
    connection,
    `select coalesce(json_agg(datname), '[]') from pg_database where datname in (${list});`,
    {database: maintenanceDatabase(connection.database), run},
  );
  return new Set(z.array(z.string()).parse(found));
}

/**
 * The same once no other session of this restore is left. One that outlived a killed run may still wait for a lock,
 * and would make or rename a database after all has been put in order.
 */
async function databasesAtRest(connection: Connection, names: readonly string[], run: string): Promise<Set<string>> {
  const end = `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = ${literal(applicationPrefix + run)} and pid <> pg_backend_pid();`;
  const atRest = await waitUntil(async () => (await runSql(connection, end, {database: maintenanceDatabase(connection.database), run}))[0] === '0', restAttempts);
  if (!atRest) throw new TimetilesError('restore', 'a session of the interrupted restore does not end', `Look for it: select * from pg_stat_activity where application_name like '${applicationPrefix}%'`);
  return existingDatabases(connection, names, run);
}

/** live becomes previous and scratch becomes live, in one transaction. Does nothing where that has happened. */
export async function swapDatabases(connection: Connection, names: SwapNames, run: string): Promise<void> {
  const existing = await databasesAtRest(connection, [names.live, names.scratch, names.previous], run);
  if (!existing.has(names.scratch)) {
    if (existing.has(names.live)) return;
    throw new TimetilesError('restore', `the restored database ${names.scratch} is gone`, 'Restore again: timetiles restore');
  }
  const moves = existing.has(names.live) ? [[names.live, names.previous] as const] : [];
  await renameDatabases(connection, [...moves, [names.scratch, names.live]], run);
}

/** Takes back whatever of the restore has happened; the database that was live is live again, scratch is gone. */
export async function revertDatabases(connection: Connection, names: SwapNames, run: string): Promise<void> {
  const existing = await databasesAtRest(connection, [names.live, names.scratch, names.previous], run);
  const swapped = !existing.has(names.scratch) && (existing.has(names.previous) || !names.hadLive);
  if (swapped && existing.has(names.live)) {
    const back = existing.has(names.previous) ? [[names.previous, names.live] as const] : [];
    await renameDatabases(connection, [[names.live, names.scratch], ...back], run);
  }
  await dropDatabase(connection, names.scratch, run);
}

/** Drops a database if it exists, with all sessions in it. */
export async function dropDatabase(connection: Connection, name: string, run: string): Promise<void> {
  const options = {database: maintenanceDatabase(connection.database), run};
  if (!(await existingDatabases(connection, [name], run)).has(name)) return;
  await freeDatabase(connection, name, {maintenance: options.database, run});
  await runSql(
    connection,
    `alter database ${identifier(name)} is_template false;
     select pg_terminate_backend(pid) from pg_stat_activity where datname = ${literal(name)} and pid <> pg_backend_pid();
     drop database ${identifier(name)};`,
    options,
  );
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
      if (!(error instanceof TimetilesError) || !/being accessed by other users/.test(error.message)) throw error;
      last = error;
      return false;
    }
  }, renameAttempts);
  if (!done) throw new TimetilesError('restore', 'other programs keep connecting to the database', 'Stop them, or add their services to RESTORE_STOP_SERVICES, and restore again.', {cause: last});
}
