import {setTimeout as sleep} from 'node:timers/promises';
import type {ResticHandle} from '../../restic/handle.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {Log} from '../../shared/log.ts';
import {durationText} from '../../shared/duration.ts';
import type {StoredSnapshot} from '../../restic/backup.ts';
import type {Connection} from './connection.ts';
import type {DataPlace} from './data-places.ts';
import {attemptDump, type DumpRequest} from './dump-attempt.ts';
import {describeHome} from './home.ts';
import type {DatabaseDetails} from './facts.ts';
import {describeObstacle, startGuard, type Guard, type Obstacle} from './guard.ts';
import {openSession} from './session.ts';
import {countStoredRows} from './stored-rows.ts';

/** The dump's path in its snapshot. */
export const dumpPath = '/database.sql';
/** So often a dump is begun anew because something that it was about to read had been dropped meanwhile. */
const changesToBear = 8;
/** Between two attempts the app has this long to itself, at most, if what was in the way does not go before. */
const pauseMilliseconds = 10_000;
const pauseInterval = 250;
/** A backup that waits says so, and again after this time. */
const wordMilliseconds = 60_000;

export interface StoredDump {
  readonly stored: StoredSnapshot;
  readonly details: DatabaseDetails;
}

export interface StoreDumpRequest extends DumpRequest {
  /** Where the server keeps its data, the data directory first. */
  readonly places: readonly DataPlace[];
  /** Seconds that the dump may wait, all in all, for tables that something has locked. */
  readonly lockWait: number;
  readonly log: Pick<Log, 'debug' | 'info'>;
}

/**
 * Dumps the database into a snapshot. Facts, row counts and dump all see one moment. The app never waits for what waits
 * itself: a dump that meets a lock while the app meets the dump's gives way, and is begun anew.
 * @throws TimetilesError `dump` or the repository's; then there is no snapshot
 */
export async function storeDump(connection: Connection, restic: ResticHandle, request: StoreDumpRequest): Promise<StoredDump> {
  const {log} = request;
  const describing = describeHome(connection, request.places).catch((error: unknown) => log.debug(`the manifest does not tell how the container is set up: ${messageOf(error)}`));
  const session = openSession(connection, {run: request.run});
  try {
    const guard = startGuard(session, request.run);
    const {stored, facts, counted, missing} = await makeAttempts(connection, restic, guard, request);
    const rows = missing.length === 0 ? undefined : await countStoredRows(restic, stored.id, dumpPath);
    const late = missing.map(({schema, table, bytes}): [string, string, number] => [schema, table, rows?.(Buffer.from(bytes, 'hex')) ?? 0]);
    const home = await describing;
    const {container} = connection;
    const details = {...facts, ...(home && {home}), tables: [...counted, ...late], image: {name: container.image, id: container.imageId}, container: container.name};
    return {stored, details};
  } finally {
    await session.close();
  }
}

async function makeAttempts(connection: Connection, restic: ResticHandle, guard: Promise<Guard>, request: StoreDumpRequest) {
  const deadline = Date.now() + request.lockWait * 1000;
  let nextWord = 0;
  const onWaits = (obstacle: Obstacle) => {
    if (Date.now() < nextWord) return;
    request.log.info(`waiting for the app: ${describeObstacle(obstacle)}`);
    nextWord = Date.now() + wordMilliseconds;
  };
  let besides: Promise<void> | undefined;
  // Once for all attempts: what it has told cannot be taken back.
  const beside: DumpRequest['beside'] = request.beside && ((snapshot, wasEnded) => (besides ??= request.beside?.(snapshot, wasEnded) ?? Promise.resolve()));
  for (let changes = 0; ; ) {
    const attempt = await attemptDump(connection, restic, guard, {...request, beside, path: dumpPath, deadline, onWaits});
    if (attempt.state === 'stored') return attempt;
    if (attempt.state === 'changed') {
      changes += 1;
      if (changes > changesToBear) throw attempt.error;
      request.log.debug(`the dump is begun anew: ${attempt.error.message}`);
      continue;
    }
    if (Date.now() >= deadline) throw lockError(connection, attempt.obstacle, request.lockWait);
    onWaits(attempt.obstacle);
    await pause(connection, await guard, attempt.obstacle, deadline);
  }
}

/** Lets the app go on until what was in the way is gone. */
async function pause(connection: Connection, guard: Guard, {oid}: Obstacle, deadline: number): Promise<void> {
  const end = Math.min(Date.now() + pauseMilliseconds, deadline);
  const isContended = async () => oid !== null && guard.isContended(oid);
  do await sleep(pauseInterval, undefined, {signal: connection.docker.signal});
  while (Date.now() < end && (await isContended()));
}

function lockError(connection: Connection, obstacle: Obstacle, lockWait: number): TimetilesError {
  const [holder] = obstacle.holders;
  const remedy = holder ? `End that transaction if nobody needs it (select pg_terminate_backend(${holder.pid});)` : 'Commit or roll back that prepared transaction';
  return new TimetilesError(
    'dump',
    `the dump of ${connection.container.name} could not begin within ${durationText(lockWait)}: ${describeObstacle(obstacle)}`,
    `Nothing was stored. ${remedy}, then run the backup again.`,
  );
}
