import {randomBytes} from 'node:crypto';
import {readdir, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode, TimetilesError} from '../shared/errors.ts';
import {escapeGlob} from '../shared/file-pattern.ts';
import type {Progress} from '../shared/log.ts';
import {emptyMarker} from './backup.ts';
import {pathInSnapshot, pathOfData, rootOf} from './earlier.ts';
import {targetError} from './errors.ts';
import {repositoryIsWritable, type ResticHandle} from './handle.ts';
import {parseResticMessage} from './messages.ts';
import {startRestic} from './run.ts';
import {isAtLeast, type ResticVersion} from './version.ts';

export interface RestoreRequest {
  readonly snapshot: string;
  /** An empty directory. */
  readonly target: string;
  /** Restore only this path and what is below it; begins with `/`. */
  readonly path?: string | undefined;
  /** Leave out these paths and what is below them; they begin with `/`. */
  readonly exclude?: readonly string[];
}

/** A restore that failed since the repository does not have the content of some files any more. */
export class DamagedFilesError extends TimetilesError {
  /** As they are in the snapshot. */
  readonly #paths: readonly string[];

  constructor({kind, message, next}: TimetilesError, paths: readonly string[]) {
    super(kind, message, next);
    this.#paths = paths;
  }

  paths(): readonly string[] {
    return this.#paths;
  }
}

/** How often a restore of what is intact begins anew because more turns out to be damaged. */
const roundsOfRestoring = 5;
/** Bytes of paths that fit into an argv, with room to spare. */
const excludeLength = 1_000_000;

/**
 * The argv of a restore that reads every file back and compares it with the repository. restic's patterns are those of
 * Go's filepath.Match, in which a backslash takes the meaning from the next character.
 */
export function restoreArgs(request: RestoreRequest, version: ResticVersion, writable: boolean): string[] {
  return [
    'restore',
    '--verify',
    ...(isAtLeast(version, {major: 0, minor: 16}) ? ['--json'] : []),
    ...(isAtLeast(version, {major: 0, minor: 15}) ? ['--sparse'] : []),
    ...(writable ? [] : ['--no-lock']),
    ...(request.exclude ?? []).flatMap((path) => ['--exclude', escapeGlob(path)]),
    ...(request.path === undefined ? [] : ['--include', escapeGlob(request.path)]),
    '--target',
    request.target,
    request.snapshot,
  ];
}

/**
 * Restores what the repository still has whole, and verifies that. What restic wrote of a damaged file is no such file: it
 * begins anew without those that it stumbled over, until it ends well.
 * @returns the paths in the snapshot that were left out
 * @throws TimetilesError when nothing can be restored, or what fails is no damage
 */
export async function restoreIntact(handle: ResticHandle, request: RestoreRequest, version: ResticVersion, onProgress: (progress: Omit<Progress, 'label'>) => void): Promise<string[]> {
  const left = new Set(request.exclude);
  for (let round = 1; ; round += 1) {
    try {
      await restoreSnapshot(handle, {...request, exclude: [...left]}, version, onProgress);
      return [...left].toSorted();
    } catch (error) {
      if (!(error instanceof DamagedFilesError) || round === roundsOfRestoring) throw error;
      const more = error.paths().filter((path) => !left.has(path));
      for (const path of more) left.add(path);
      if (more.length === 0 || [...left].join('').length > excludeLength) throw error;
      await emptyDirectory(request.target);
    }
  }
}

async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory, {encoding: 'buffer'})) await rm(Buffer.concat([Buffer.from(`${directory}/`), name]), {recursive: true, force: true});
}

/**
 * Restores and verifies. Where the data is not the snapshot's root, restic before 0.16 can only restore the folders that lead
 * to it as well: the data is then moved out of them, by renames.
 * @throws TimetilesError when a single file could not be restored or does not verify
 */
export async function restoreSnapshot(handle: ResticHandle, request: RestoreRequest, version: ResticVersion, onProgress: (progress: Omit<Progress, 'label'>) => void): Promise<void> {
  const {snapshot, target, path, exclude} = request;
  const root = rootOf(handle, snapshot);
  if (root === '') return restoreWhole(handle, request, version, onProgress);
  const inSnapshot = (wanted: string) => pathInSnapshot(handle, snapshot, wanted);
  const beside = join(target, `.timetiles-${randomBytes(4).toString('hex')}`);
  await restoreWhole(handle, {snapshot, target: beside, path: path === undefined ? undefined : inSnapshot(path), ...(exclude && {exclude: exclude.map(inSnapshot)})}, version, onProgress);
  await moveEntries(join(beside, root), target);
  await rm(beside, {recursive: true, force: true});
}

/** Names need not be UTF-8. There is nothing to move where the snapshot lacks the path that was wanted. */
async function moveEntries(from: string, to: string): Promise<void> {
  const names = await readdir(from, {encoding: 'buffer'}).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  for (const name of names) await rename(Buffer.concat([Buffer.from(`${from}/`), name]), Buffer.concat([Buffer.from(`${to}/`), name]));
}

async function restoreWhole(
  handle: ResticHandle,
  request: RestoreRequest,
  version: ResticVersion,
  onProgress: (progress: Omit<Progress, 'label'>) => void,
): Promise<void> {
  const args = restoreArgs(request, version, repositoryIsWritable(handle));
  const onLine = (line: string) => {
    const message = parseResticMessage(line);
    if (message?.message_type !== 'status') return;
    onProgress({
      bytes: message.bytes_restored ?? 0,
      files: message.files_restored ?? 0,
      ...(message.total_bytes !== undefined && {totalBytes: message.total_bytes}),
    });
  };
  const damaged = new Set<string>();
  const onStderrLine = (line: string) => {
    const item = damagedPath(line);
    const path = item === undefined ? undefined : pathOfData(handle, request.snapshot, item);
    if (path !== undefined && path !== '/') damaged.add(path);
  };
  const result = await startRestic(handle, args, {stdout: {onLine}, onStderrLine}).result;
  if (result.exitCode !== 0) {
    const error = targetError(handle, `restoring snapshot ${request.snapshot.slice(0, 8)}`, request.target, result);
    throw error.kind === 'repository-damaged' ? new DamagedFilesError(error, [...damaged]) : error;
  }
  await rm(join(request.target, emptyMarker), {force: true});
}

/** The file that restic complains about; from 0.16 on as JSON. */
function damagedPath(line: string): string | undefined {
  const message = parseResticMessage(line);
  if (message?.message_type === 'error') return message.item;
  return /^ignoring error for (\/.*?): (?:StreamPack|ciphertext|UtimesNano|CreateHardlink|load|tree|open|id |blob |[A-Z])/.exec(line)?.[1];
}
