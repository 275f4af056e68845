import {setTimeout as sleep} from 'node:timers/promises';
import {startExec} from '../../docker/exec.ts';
import {describeEnd, type CommandResult, type RunningCommand} from '../../process/run.ts';
import {startSnapshotStream, type SnapshotStream, type StoredSnapshot} from '../../restic/backup.ts';
import type {ResticHandle} from '../../restic/handle.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {OnProgress} from '../source.ts';
import type {Connection} from './connection.ts';
import {countRows, type CountedRows} from './counting.ts';
import {troubleUnder} from './failure.ts';
import {sessionName, type Guard, type Obstacle} from './guard.ts';
import {programRequest} from './programs.ts';
import {readFacts, type Facts} from './read-facts.ts';
import {openSession, type Session} from './session.ts';
import {firstError} from './sqlstate.ts';
import {watchForStall} from './stall.ts';
import {watchDump, watchRest} from './watch-dump.ts';

/** pg_dump itself gives up so much later than the guard does, should that be gone. */
const spareMilliseconds = 10_000;
/** pg_dump quotes a whole query, with the names of all tables, where one fails. */
const longestComplaint = 500;

export interface DumpRequest {
  readonly tags: readonly string[];
  /** The name of this run in pg_stat_activity. */
  readonly run: string;
  readonly onProgress: OnProgress;
  /**
   * Reads more of the same moment, by its snapshot's name, while the dump runs.
   * @param wasEnded whether it was ended because the app waited for it
   */
  readonly beside: ((snapshot: string, wasEnded: () => boolean) => Promise<void>) | undefined;
}

/** What came of one attempt. */
export type Attempt =
  | ({readonly state: 'stored'; readonly stored: StoredSnapshot; readonly facts: Omit<Facts, 'tables' | 'lockable'>} & CountedRows)
  /** pg_dump waited for a lock, and gave way. */
  | {readonly state: 'blocked'; readonly obstacle: Obstacle}
  /** Something went away before pg_dump could lock it or read its definition. */
  | {readonly state: 'changed'; readonly error: TimetilesError};

interface AttemptRequest extends DumpRequest {
  /** The dump's path in its snapshot. */
  readonly path: string;
  /** When waiting for locks ends for good. */
  readonly deadline: number;
  readonly onWaits: (obstacle: Obstacle) => void;
}

/**
 * Dumps once. Each attempt has a stream of its own, so that nothing of one that failed can be in the snapshot. The guard's
 * session exports its snapshot; pg_dump takes it over, and so does what is read beside it.
 */
export async function attemptDump(connection: Connection, restic: ResticHandle, starting: Promise<Guard>, request: AttemptRequest): Promise<Attempt> {
  const {run} = request;
  // restic needs most of a second to open the repository: it starts first.
  const stall = watchForStall();
  const onProgress: OnProgress = (progress) => {
    stall.saw(progress.bytes ?? 0);
    request.onProgress(progress);
  };
  const stream = await startSnapshotStream(restic, request.path, request.tags, onProgress);
  const complaints: string[] = [];
  const dump = startDump(connection, request, {fd: stream.writeFd, onStderrLine: (line) => complaints.push(line.slice(0, longestComplaint))});
  let reader: Session | undefined;
  try {
    // When restic gives up (a full disk), nobody reads any more: the dump has to end too.
    void stream.ended.then(() => dump.stop());
    void stall.stalled.then(() => dump.stop('SIGKILL'));
    // While restic opens the repository nobody reads: pg_dump would only hold its locks the longer.
    const [guard] = await Promise.all([starting, stream.ready]);
    reader = openSession(connection, {run: sessionName(run, 'count')});
    const snapshot = await guard.exportSnapshot();
    dump.write(`${snapshot}\n`);
    dump.closeInput();
    const {count, beside, reading} = startReaders(reader, request, snapshot);
    // A dump without them is worth nothing. The error is thrown below.
    reading.catch(() => dump.stop());

    const watched = await watchDump(guard, dump.result, {
      deadline: request.deadline,
      lockable: () => count.lockable(),
      onLocked: (pid) => void count.start(pid),
      onCopies: () => beside.start(),
      onWaits(obstacle) {
        stall.waits();
        request.onWaits(obstacle);
      },
    });
    if (watched.state === 'blocked') {
      await guard.end('dump');
      await guard.end('count');
      await dump.result;
      await guard.release();
      return watched;
    }
    const dumped = await dump.result.catch((error: unknown) => Promise.reject(brokenOff(error)));
    const stalled = stall.error(connection.container.name);
    if (stalled) throw stalled;
    if (dumped.exitCode !== 0) {
      const error = await failureOf(connection, {stream, reading, watched, dumped, complaints});
      if (!(await hasChanged(guard, watched))) throw error;
      await guard.end('count');
      return {state: 'changed', error};
    }
    const {tables: _, lockable: __, ...facts} = await reading;
    const counting = count.start();
    beside.start();
    const ending = endReaders(guard, watched, Promise.all([counting, beside.ended()]), beside.markEnded);
    const [stored] = await Promise.all([stream.commit(), ending]);
    return {state: 'stored', stored, facts, ...(await counting)};
  } finally {
    stall.close();
    dump.closeInput();
    // Not waited for: one that is still busy is ended with what else a failed run has left.
    void reader?.close();
    await stream.cancel();
  }
}

/**
 * Starts pg_dump as soon as it is told the snapshot: what was emptied between the snapshot and pg_dump's locks looks empty to it, so
 * that no time may be lost in between.
 */
function startDump(connection: Connection, {run, deadline}: {run: string; deadline: number}, {fd, onStderrLine}: {fd: number; onStderrLine: (line: string) => void}): RunningCommand {
  const limit = Math.max(0, deadline - Date.now()) + spareMilliseconds;
  // A standby has no rows of unlogged tables, and refuses to read them.
  const unlogged = connection.server.isStandby ? ['--no-unlogged-table-data'] : [];
  const dump = programRequest(connection, ['pg_dump', '--no-password', `--lock-wait-timeout=${limit}`, ...unlogged], {run: sessionName(run, 'dump')});
  return startExec(connection.docker, {
    ...dump,
    command: ['sh', '-c', 'read -r snapshot && exec "$@" --snapshot="$snapshot"', 'pg_dump', ...dump.command],
    stdin: 'pipe',
    stdout: {fd},
    onStderrLine,
  });
}

/** What reads the database beside pg_dump, each in its own time and at most once. */
function startReaders(reader: Session, request: DumpRequest, snapshot: string) {
  let lockable: number | undefined;
  const reading = readFacts(reader, snapshot);
  reading.then((facts) => (lockable = facts.lockable)).catch(() => undefined);
  let counting: Promise<CountedRows> | undefined;
  const startCounting = async (dump: number | undefined) => countRows(reader, snapshot, (await reading).tables, dump);
  let besides: Promise<void> | undefined;
  let wasEnded = false;
  return {
    reading,
    count: {
      lockable: () => lockable,
      /** @param dump the server process of pg_dump, while it holds its locks */
      start(dump?: number): Promise<CountedRows> {
        counting ??= startCounting(dump);
        // Facts that cannot be read are told by themselves.
        counting.catch(() => undefined);
        return counting;
      },
    },
    beside: {
      start: () => void (besides ??= request.beside?.(snapshot, () => wasEnded)),
      ended: async () => besides,
      markEnded: () => void (wasEnded = true),
    },
  };
}

/** The snapshot goes when nobody can need it any more: an index that is made concurrently waits for it. */
async function endReaders(guard: Guard, {problem}: {problem?: unknown}, readers: Promise<unknown>, onEnded: () => void): Promise<void> {
  if (problem !== undefined) return void (await readers);
  await watchRest(guard, readers, onEnded);
  await guard.release();
}

/**
 * Why pg_dump failed.
 * @throws what made it fail, where that was something else
 */
async function failureOf(
  connection: Connection,
  {stream, reading, watched, dumped, complaints}: {stream: SnapshotStream; reading: Promise<unknown>; watched: {problem?: unknown}; dumped: CommandResult; complaints: readonly string[]},
): Promise<TimetilesError> {
  // A dump that ended because restic had ended is restic's failure: its own words say more than a broken pipe.
  const ofRestic = await Promise.race([stream.ended, sleep(500)]);
  if (ofRestic !== undefined) throw ofRestic;
  const trouble = await troubleUnder(connection, dumped);
  if (trouble) throw brokenOff(trouble);
  const stderr = complaints.join('\n');
  // When the session that exported the snapshot has failed, pg_dump only says that there is no such snapshot.
  if (watched.problem !== undefined && /snapshot "[^"]*" does not exist|invalid snapshot identifier/.test(stderr)) throw watched.problem;
  if (dumped.signal !== undefined) await reading;
  const said = stderr.trim() === '' ? describeEnd(dumped) : firstError(stderr);
  const {name} = connection.container;
  if (stderr.includes('max_locks_per_transaction')) {
    return new TimetilesError('dump', `pg_dump in ${name} failed: the database has more tables than the server has locks (${said})`, 'Nothing was stored. Raise max_locks_per_transaction in the server and restart it, then run the backup again.');
  }
  return new TimetilesError('dump', `pg_dump in ${name} failed: ${said}`, `Nothing was stored. Look at docker logs --tail 50 ${name}, then run the backup again.`);
}

/** What happened to container or engine under a dump, told as what it means for the backup; everything else as it is. */
function brokenOff(trouble: unknown): unknown {
  if (!(trouble instanceof TimetilesError) || (trouble.kind !== 'container' && trouble.kind !== 'docker')) return trouble;
  return new TimetilesError(trouble.kind, `the dump was broken off: ${trouble.message}`, `Nothing was stored. ${trouble.next}`, {cause: trouble});
}

/** Whether pg_dump failed because of what the app did to tables and other objects meanwhile. */
async function hasChanged(guard: Guard, {waited, problem}: {waited: boolean; problem?: unknown}): Promise<boolean> {
  if (problem !== undefined) return false;
  // Where the server is gone nobody can tell, and pg_dump's own words are the ones to show.
  const changed = await guard.hasChanged().catch(() => false);
  // Or a deadlock, for example, that PostgreSQL itself has ended.
  return changed || waited;
}
