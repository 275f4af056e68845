import {existsSync, rmSync, statSync} from 'node:fs';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {startOfProcess} from '../process/host.ts';
import {repositoryFiles, type ResticHandle} from './handle.ts';
import {parseLock, type LockContent} from './messages.ts';
import {questionLimit, runRestic} from './run.ts';

/** How far the start of a process and the time in its lock may be apart by rounding. */
const clockSlackMilliseconds = 5000;

/**
 * Whether the process that made a lock is gone. Only locks of this host can be judged; a process that was started
 * after the lock was made only has its number again.
 */
export function isLockDead(lock: LockContent, host: string, startOf: (pid: number) => Date | undefined): boolean {
  if (lock.hostname !== host) return false;
  const started = startOf(lock.pid);
  return started === undefined || started.getTime() > Date.parse(lock.time) + clockSlackMilliseconds;
}

/**
 * Removes restic's locks that dead processes of this host left. `restic unlock` would also take those of other hosts
 * once they are half an hour old; this never does.
 * @returns a description of each lock that was removed
 */
export async function removeDeadLocks(handle: ResticHandle): Promise<string[]> {
  const removed: string[] = [];
  for (const id of repositoryFiles(handle, 'locks')) {
    const path = join(handle.repository, 'locks', id);
    const size = statSync(path, {throwIfNoEntry: false})?.size;
    if (size === undefined) continue;
    // restic renames a finished file into place, so an empty one is what a power cut or a full disk left.
    const description = size === 0 ? 'an empty lock file' : await describeDeadLock(handle, id, path);
    if (description === undefined) continue;
    rmSync(path, {force: true});
    removed.push(description);
  }
  return removed;
}

async function describeDeadLock(handle: ResticHandle, id: string, path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = (await runRestic(handle, 'reading a lock', ['cat', '--no-lock', 'lock', id], {limit: questionLimit})).stdout;
  } catch (error) {
    if (!existsSync(path)) return undefined; // Its owner has just ended.
    throw error;
  }
  const lock = parseLock(text);
  return isLockDead(lock, hostname(), startOfProcess) ? `the lock of process ${lock.pid} of ${lock.time}` : undefined;
}
