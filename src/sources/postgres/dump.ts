import {setTimeout as sleep} from 'node:timers/promises';
import {startExec} from '../../docker/exec.ts';
import {describeEnd, type CommandResult} from '../../process/run.ts';
import {startSnapshotStream, type SnapshotStream, type StoredSnapshot} from '../../restic/backup.ts';
import type {ResticHandle} from '../../restic/handle.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {Log} from '../../shared/log.ts';
import type {OnProgress} from '../source.ts';
import type {Connection} from './connection.ts';
import {describeHome} from './home.ts';
import {
  factsQuery,
  factsSchema,
  parseTableCounts,
  rolesQuery,
  rolesSchema,
  tableCountsQuery,
  type DatabaseDetails,
} from './facts.ts';
import {programRequest} from './programs.ts';
import {endLeftoverSessionsSql, openSession, type Session} from './psql.ts';
import {firstError} from './sqlstate.ts';

/** The dump's path in its snapshot. */
export const dumpPath = '/database.sql';
/** How long pg_dump waits for a table that something else has locked. */
const lockWaitMilliseconds = 600_000;

export interface StoredDump {
  readonly stored: StoredSnapshot;
  readonly details: DatabaseDetails;
}

export interface DumpRequest {
  readonly tags: readonly string[];
  /** The name of this run in pg_stat_activity. */
  readonly run: string;
  readonly onProgress: OnProgress;
  /** Reads more of the same moment, by its snapshot's name, while the dump runs. */
  readonly beside: ((snapshot: string) => Promise<void>) | undefined;
  readonly log: Pick<Log, 'debug'>;
}

/**
 * Dumps the database into a snapshot. Facts, row counts and dump all see one moment: a transaction exports its snapshot,
 * and pg_dump takes it over.
 * @throws TimetilesError `dump` or the repository's; then there is no snapshot
 */
export async function storeDump(
  connection: Connection,
  restic: ResticHandle,
  {tags, run, onProgress, beside, log}: DumpRequest,
): Promise<StoredDump> {
  // restic needs most of a second to open the repository: it starts first.
  const stream = await startSnapshotStream(restic, dumpPath, tags, onProgress);
  let session: Session | undefined;
  try {
    session = openSession(connection, {run});
    const {snapshot, ...facts} = await readFacts(session, run);
    const dump = startDump(connection, snapshot, run, stream.writeFd);
    // When restic gives up (a full disk), nobody reads any more: the dump has to end too.
    void stream.ended.then(() => dump.stop());
    const counting = session.query(tableCountsQuery);
    let failedFirst: 'counting' | 'dump' | undefined;
    counting.catch(() => (failedFirst ??= 'counting'));
    void dump.result.then(({exitCode}) => exitCode !== 0 && (failedFirst ??= 'dump')).catch(() => undefined);
    const describing = describeHome(connection).catch((error: unknown) => log.debug(`the manifest does not tell how the container is set up: ${messageOf(error)}`));
    const besides = beside?.(snapshot);
    // Awaited below, if the dump comes so far.
    besides?.catch(() => undefined);
    const [dumped, counted] = await Promise.allSettled([dump.result, counting]);
    if (dumped.status === 'rejected') throw dumped.reason;
    if (dumped.value.exitCode !== 0) {
      // When the session that exported the snapshot has failed, pg_dump only says that there is no such snapshot.
      if (counted.status === 'rejected' && failedFirst === 'counting') throw counted.reason;
      throw (await failureOf(stream)) ?? dumpError(connection, dumped.value);
    }
    if (counted.status === 'rejected') throw counted.reason;
    const stored = await stream.commit();
    await besides;
    const home = await describing;
    const {container} = connection;
    const details = {...facts, ...(home && {home}), tables: parseTableCounts(counted.value), image: {name: container.image, id: container.imageId}, container: container.name};
    return {stored, details};
  } finally {
    await stream.cancel();
    await session?.close();
  }
}

async function readFacts(session: Session, run: string) {
  await session.query(endLeftoverSessionsSql(run));
  const [snapshot = ''] = await session.query('begin isolation level repeatable read, read only; select pg_export_snapshot();');
  const [factsLine = '', superuser = ''] = await session.query(`${factsQuery}\nselect rolsuper from pg_roles where rolname = current_user;`);
  const facts = factsSchema.parse(JSON.parse(factsLine));
  const [rolesLine = ''] = await session.query(rolesQuery(superuser === 't'));
  return {snapshot, ...facts, ...rolesSchema.parse(JSON.parse(rolesLine))};
}

function startDump(connection: Connection, snapshot: string, run: string, fd: number) {
  // A standby has no rows of unlogged tables, and refuses to read them.
  const unlogged = connection.server.isStandby ? ['--no-unlogged-table-data'] : [];
  return startExec(connection.docker, {
    ...programRequest(connection, ['pg_dump', '--no-password', `--snapshot=${snapshot}`, `--lock-wait-timeout=${lockWaitMilliseconds}`, ...unlogged], {run}),
    stdout: {fd},
  });
}

/** A dump that ended because restic had ended is restic's failure: its own words say more than a broken pipe. */
function failureOf(stream: SnapshotStream): Promise<unknown> {
  return Promise.race([stream.ended, sleep(500)]);
}

function dumpError(connection: Connection, result: CommandResult): TimetilesError {
  const said = result.stderr.trim() === '' ? describeEnd(result) : firstError(result.stderr);
  const {name} = connection.container;
  return new TimetilesError('dump', `pg_dump in ${name} failed: ${said}`, `Nothing was stored. Look at docker logs --tail 50 ${name}, then run the backup again.`);
}
