import {lstat, readdir} from 'node:fs/promises';
import {isAbsolute, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {openHeldPipe} from '../process/held-pipe.ts';
import type {CommandResult} from '../process/run.ts';
import type {Progress} from '../shared/log.ts';
import {systemCode} from '../shared/errors.ts';
import {resticError} from './errors.ts';
import {repositoryFiles, type ResticHandle} from './handle.ts';
import {parseResticMessage, type ResticMessage} from './messages.ts';
import {startRestic} from './run.ts';
import {isAtLeast, type ResticVersion} from './version.ts';

/** How long restic may take to notice an interrupt; it needs milliseconds. */
const interruptMilliseconds = 1000;

/** How long to wait for restic to open the repository before going on without knowing, and how often to look. */
const openLimitMilliseconds = 5000;
const openInterval = 20;

export interface StoredSnapshot {
  /** The snapshot's full id. */
  readonly id: string;
  readonly bytes: number;
  /** Bytes that the repository grew by; before restic 0.17 counted before compression. */
  readonly added: number;
  readonly files: number;
  /** Files that could not be read; the snapshot is without them. Their messages, at most 100. */
  readonly unreadable: readonly string[];
  /** Files that were deleted while restic worked; nothing is missing without them. */
  readonly vanished: number;
}

type OnProgress = (progress: Omit<Progress, 'label'>) => void;

/** The only file in the snapshot of an empty directory, since restic stores no snapshot without content. */
export const emptyMarker = '.timetiles-empty';

/** What tells a snapshot from others. */
export interface SnapshotMarks {
  readonly tags: readonly string[];
  /** Undefined: now. */
  readonly time?: Date | undefined;
}

/** The time as restic takes it, in UTC. */
function markArgs({tags, time}: SnapshotMarks): string[] {
  const at = time ? ['--time', time.toISOString().slice(0, 19).replace('T', ' ')] : [];
  return [...tags.flatMap((tag) => ['--tag', tag]), ...at];
}

/**
 * The argv of a backup of a directory's content, whose own path must not show in the snapshot's tree.
 * @param count whether restic shall look through the directory beforehand, so that progress knows the end; it costs time
 */
export function directoryBackupArgs(marks: SnapshotMarks, version: ResticVersion, count: boolean): string[] {
  const canSkip = isAtLeast(version, {major: 0, minor: 15});
  return ['backup', '--json', ...(canSkip && !count ? ['--no-scan'] : []), ...markArgs(marks), '.'];
}

export interface DirectoryBackup {
  readonly directory: string;
  readonly tags: readonly string[];
  readonly version: ResticVersion;
  /** Undefined where nobody sees it. */
  readonly onProgress: OnProgress | undefined;
}

/** The argv of a backup of one file read from stdin. */
export function streamBackupArgs(path: string, marks: SnapshotMarks): string[] {
  return ['backup', '--json', ...markArgs(marks), '--stdin', '--stdin-filename', path];
}

/** Stores what a directory holds; the snapshot's root is that directory. */
export async function backupDirectory(
  handle: ResticHandle,
  {directory, tags, version, onProgress}: DirectoryBackup,
): Promise<StoredSnapshot> {
  if ((await readdir(directory)).length === 0) return storeEmptyDirectory(handle, tags);
  const reader = readMessages(onProgress ?? (() => undefined));
  const options = {cwd: directory, stdout: {onLine: reader.onLine}, onStderrLine: reader.onLine};
  const result = await startRestic(handle, directoryBackupArgs({tags, time: handle.snapshotTime}, version, onProgress !== undefined), options).result;
  // 3: "some source data could not be read"; the snapshot is stored.
  if (result.exitCode !== 0 && result.exitCode !== 3) throw resticError(handle, 'backing up the files', result);
  const {gone, unreadable} = await sortFailures(directory, reader.failures);
  return {...storedSnapshot(handle, reader.summary(), result), unreadable, vanished: gone};
}

async function storeEmptyDirectory(handle: ResticHandle, tags: readonly string[]): Promise<StoredSnapshot> {
  const stream = await startSnapshotStream(handle, `/${emptyMarker}`, tags, () => undefined);
  try {
    return {...(await stream.commit('The directory was empty.\n')), bytes: 0, files: 0};
  } finally {
    await stream.cancel();
  }
}

/** A snapshot of one file that is being written: it is stored only once `commit` was called. */
export interface SnapshotStream {
  /** Where the producer writes, an open descriptor. */
  readonly writeFd: number;
  /** Resolves when restic has opened the repository and is about to read, or has ended; after a few seconds in any case. */
  readonly ready: Promise<void>;
  /** The producer has ended well: writes `rest`, ends the stream and waits for the snapshot. */
  commit(rest?: string): Promise<StoredSnapshot>;
  /** The producer failed: restic is interrupted and leaves neither snapshot nor lock. Safe to call after `commit`. */
  cancel(): Promise<void>;
  /** Resolves when restic ends before `commit`, with its error: the producer should be stopped. */
  readonly ended: Promise<unknown>;
}

/** Starts restic on a held pipe; see process/held-pipe.ts for why a half stream can never become a snapshot. */
export async function startSnapshotStream(
  handle: ResticHandle,
  path: string,
  tags: readonly string[],
  onProgress: OnProgress,
): Promise<SnapshotStream> {
  const pipe = await openHeldPipe();
  const reader = readMessages(onProgress);
  const earlierLocks = new Set(repositoryFiles(handle, 'locks'));
  try {
    const restic = startRestic(handle, streamBackupArgs(path, {tags, time: handle.snapshotTime}), {
      stdin: {fd: pipe.readFd},
      stdout: {onLine: reader.onLine},
      onStderrLine: reader.onLine,
    });
    pipe.consumerStarted(restic.pid);
    const ended = restic.result.then((result) => resticError(handle, `storing ${path}`, result)).catch((error: unknown) => error);
    return {
      writeFd: pipe.writeFd,
      ended,
      ready: waitUntilReading(handle, earlierLocks, ended),
      async commit(rest) {
        const broken: unknown = await pipe.finish(rest).then(() => undefined, (error: unknown) => error);
        if (broken !== undefined && systemCode(broken) !== 'EPIPE') throw broken;
        // Where nobody reads any more restic has ended, and its own words are the cause.
        const result = await restic.result;
        if (result.exitCode !== 0 || broken !== undefined) throw resticError(handle, `storing ${path}`, result);
        return {...storedSnapshot(handle, reader.summary(), result), unreadable: [], vanished: 0};
      },
      async cancel() {
        restic.stop();
        // Since 0.17 restic ends only when its read does; by then it knows that the end of the stream is no good end.
        await Promise.race([ended, sleep(interruptMilliseconds, undefined, {ref: false})]);
        await pipe.close();
        await ended;
      },
    };
  } catch (error) {
    await pipe.close();
    throw error;
  }
}

/** restic makes its lock right after it has opened the repository, which takes most of a second. */
async function waitUntilReading(handle: ResticHandle, earlierLocks: ReadonlySet<string>, ended: Promise<unknown>): Promise<void> {
  const restic = {hasEnded: false};
  void ended.then(() => (restic.hasEnded = true));
  const end = Date.now() + openLimitMilliseconds;
  while (!restic.hasEnded && Date.now() < end && repositoryFiles(handle, 'locks').every((name) => earlierLocks.has(name))) {
    await sleep(openInterval);
  }
}

type Summary = Extract<ResticMessage, {message_type: 'summary'}>;
type Failure = Extract<ResticMessage, {message_type: 'error'}>;

function readMessages(onProgress: OnProgress) {
  const failures: Failure[] = [];
  let summary: Summary | undefined;
  return {
    failures,
    summary: () => summary,
    onLine: (line: string) => {
      const message = parseResticMessage(line);
      if (message?.message_type === 'status') {
        onProgress({
          ...(message.bytes_done !== undefined && {bytes: message.bytes_done}),
          ...(message.total_bytes !== undefined && {totalBytes: message.total_bytes}),
          ...(message.files_done !== undefined && {files: message.files_done}),
          ...(message.total_files !== undefined && {totalFiles: message.total_files}),
        });
      } else if (message?.message_type === 'summary') summary = message;
      else if (message?.message_type === 'error') failures.push(message);
    },
  };
}

function storedSnapshot(handle: ResticHandle, summary: Summary | undefined, result: CommandResult) {
  const shortId = summary?.snapshot_id;
  // 0.14 prints eight digits of the id; the snapshot's file carries all of them.
  const id = shortId === undefined ? undefined : repositoryFiles(handle, 'snapshots').find((name) => name.startsWith(shortId));
  if (!summary || id === undefined) throw resticError(handle, 'storing the snapshot (restic ended well, but there is none)', result);
  return {
    id,
    bytes: summary.total_bytes_processed ?? 0,
    added: summary.data_added_packed ?? summary.data_added ?? 0,
    files: summary.total_files_processed ?? 0,
  };
}

/** Tells files that are gone by now, which is how a live directory behaves, from those that could not be read. */
async function sortFailures(directory: string, failures: readonly Failure[]): Promise<{gone: number; unreadable: string[]}> {
  let gone = 0;
  const unreadable: string[] = [];
  for (const failure of failures) {
    const path = isAbsolute(failure.item) ? failure.item : join(directory, failure.item);
    const isGone = await lstat(path).then(
      () => false,
      (error: unknown) => systemCode(error) === 'ENOENT',
    );
    if (isGone) gone += 1;
    else if (unreadable.length < 100) unreadable.push(failure.item);
  }
  return {gone, unreadable};
}
