import {accessSync, constants, readdirSync, statSync} from 'node:fs';
import {isAbsolute, join} from 'node:path';
import {baseEnvironment} from '../process/environment.ts';
import {meansDenied, TimetilesError} from '../shared/errors.ts';
import {pathExists} from '../shared/path-exists.ts';

/** Everything that the functions of this folder need to run restic on one repository. */
export interface ResticHandle {
  /** An absolute path, or the URL of a repository elsewhere as restic takes it. */
  readonly repository: string;
  /** restic's extended options (`-o`), such as `s3.bucket-lookup=dns`. */
  readonly options: readonly string[];
  /** The child's environment; it holds the password, which never reaches an argv. */
  readonly environment: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** The time that new snapshots get; none: now. */
  readonly snapshotTime?: Date;
  /** By full id, the folder in which a snapshot's data begins, where that is not its root; listings fill it. See earlier.ts. */
  readonly roots: Map<string, string>;
}

export interface ResticSettings {
  readonly repository: string;
  readonly options?: readonly string[];
  readonly password: string | undefined;
  /** restic's own variables from the configuration. */
  readonly variables: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export function createResticHandle(settings: ResticSettings): ResticHandle {
  const environment: Record<string, string> = {
    ...baseEnvironment(),
    RESTIC_PROGRESS_FPS: '2',
    ...settings.variables,
    RESTIC_REPOSITORY: settings.repository,
  };
  if (settings.password !== undefined) {
    environment['RESTIC_PASSWORD'] = settings.password;
    // One password for both repositories: restic would prefer these to it.
    delete environment['RESTIC_PASSWORD_FILE'];
    delete environment['RESTIC_PASSWORD_COMMAND'];
  }
  return {repository: settings.repository, options: settings.options ?? [], environment, roots: new Map(), ...(settings.signal && {signal: settings.signal})};
}

/** The same repository, where new snapshots are of another time than now. restic reads times in its own time zone. */
export function atTime(handle: ResticHandle, snapshotTime: Date): ResticHandle {
  return {...handle, snapshotTime, environment: {...handle.environment, TZ: 'UTC'}};
}

/** Whether the repository is a directory of this host, whose files can be looked at. */
export function isLocal(handle: ResticHandle): boolean {
  return isAbsolute(handle.repository);
}

/**
 * Whether there is a repository at the path: a look at the disk, where asking restic costs 0.7 s of key derivation.
 * @throws TimetilesError `permission` where this user may not look
 */
export function repositoryExists({repository}: Pick<ResticHandle, 'repository'>): boolean {
  try {
    return pathExists(join(repository, 'config'));
  } catch (error) {
    if (!meansDenied(error)) throw error;
    throw new TimetilesError('permission', `this user may not read the repository ${repository}`, 'Run the command as its owner, usually root: sudo timetiles …', {cause: error});
  }
}

/**
 * Whether this process may write locks there. A read-only repository can still be listed and restored from without them,
 * and so can one elsewhere: credentials that may not delete would leave the lock for good.
 */
export function repositoryIsWritable(handle: ResticHandle): boolean {
  if (!isLocal(handle)) return false;
  try {
    accessSync(handle.repository, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The names of all files of one kind in the repository; each is the SHA-256 of its content. */
export function repositoryFiles(handle: ResticHandle, kind: 'snapshots' | 'locks' | 'index'): string[] {
  try {
    return readdirSync(join(handle.repository, kind)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  } catch {
    return [];
  }
}

/** How many bytes the repository's files have; null where they are not on this host's disks. */
export function repositoryBytes(handle: ResticHandle): number | null {
  if (!repositoryExists(handle)) return null;
  const entries = readdirSync(handle.repository, {recursive: true, withFileTypes: true});
  return entries
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), {throwIfNoEntry: false})?.size ?? 0), 0);
}
