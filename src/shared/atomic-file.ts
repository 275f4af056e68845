import {readdirSync, rmSync} from 'node:fs';
import {mkdir, open, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {fullDiskError, isFullDisk, systemCode} from './errors.ts';

/** Writes a file so that after a crash it is there whole or not at all: temporary file, fsync, rename, fsync of the directory. Mode 0600 unless told. */
export async function writeFileAtomically(path: string, content: string, mode = 0o600): Promise<void> {
  try {
    await mkdir(dirname(path), {recursive: true, mode: 0o700});
    await writeAndRename(path, content, mode);
  } catch (error) {
    // The system's own error names no path once the file is open.
    throw isFullDisk(error) ? fullDiskError(path, error) : error;
  }
  await syncDirectory(dirname(path));
}

async function writeAndRename(path: string, content: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', mode);
  try {
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, {force: true});
    throw error;
  }
}

/** Removes what processes that were killed in the middle of such a write have left in a directory. */
export function removeDeadTemporaries(directory: string): void {
  try {
    for (const name of readdirSync(directory)) {
      const pid = /\.(\d+)\.tmp$/.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(directory, name), {force: true});
    }
  } catch (error) {
    // Nothing was ever written there, or this user may not tidy up; somebody else will.
    if (!['ENOENT', 'EACCES', 'EPERM', 'EROFS'].includes(systemCode(error) ?? '')) throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** Makes renames inside a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
