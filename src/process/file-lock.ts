import {closeSync, ftruncateSync, openSync, readFileSync, writeSync, constants} from 'node:fs';
import {baseEnvironment} from './environment.ts';
import {systemCode} from '../shared/errors.ts';
import {runCommand} from './run.ts';

export type LockAttempt = {readonly state: 'acquired'; release(): void} | {readonly state: 'held'; readonly note: string};

/**
 * Takes the kernel's lock on a file (flock): it ends with this process however that ends, so it is never stale.
 * Node has no flock, but the lock belongs to the open file, which flock(1) of util-linux locks for us.
 * @param note written into the file, for the one who finds it held
 */
export async function acquireFileLock(path: string, note: string): Promise<LockAttempt> {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const result = await runCommand({file: 'flock', args: ['--exclusive', '--nonblock', '0'], env: baseEnvironment(), stdin: {fd}});
    if (result.exitCode === 1) {
      const holder = readFileSync(path, 'utf8');
      closeSync(fd);
      return {state: 'held', note: holder};
    }
    if (result.exitCode !== 0) throw new Error(`flock ${path}: ${result.stderr.trim()}`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  try {
    ftruncateSync(fd);
    writeSync(fd, note, 0);
  } catch {
    // A full disk must not stop the run that may be about to free it: the lock holds without the note.
  }
  return {state: 'acquired', release: () => closeSync(fd)};
}

/**
 * The note of whoever holds the lock on a file; undefined when nobody does. Nothing is written, and the lock is not kept
 * from anybody: a look at it takes the shared one for an instant.
 */
export async function holderOfFileLock(path: string): Promise<string | undefined> {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    // Who may not read it cannot say who holds it.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const result = await runCommand({file: 'flock', args: ['--shared', '--nonblock', '0'], env: baseEnvironment(), stdin: {fd}});
    if (result.exitCode === 0) return undefined;
    if (result.exitCode === 1) return readFileSync(path, 'utf8');
    throw new Error(`flock ${path}: ${result.stderr.trim()}`);
  } finally {
    closeSync(fd);
  }
}
