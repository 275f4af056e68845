import {mkdirSync} from 'node:fs';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {z} from 'zod';
import {acquireFileLock, type LockAttempt} from '../process/file-lock.ts';
import {meansDenied, messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {formatAge, formatSeconds, shellWord} from '../shared/format.ts';
import {waitUntil} from '../shared/wait.ts';
import type {Context} from './context.ts';

/** Milliseconds between two tries for a lock that somebody else holds. */
const pollInterval = 500;

export interface LockOptions {
  /** What only reads may go on without a lock where the repository cannot be written to. */
  readonly readOnlyRepository?: 'proceed';
  /** Seconds to wait for another run to end; 0 or none: not at all. */
  readonly wait?: number | undefined;
}

const noteSchema = z.object({pid: z.number(), command: z.string(), since: z.string(), host: z.string()});

/**
 * Takes the tool's own lock on the repository for the time of `work`. The kernel frees it when this process ends,
 * however that happens, so no human is ever needed.
 * @param command what this run is, for those who find the lock held
 * @throws TimetilesError `locked` (exit 4) that names the other run, its age and command
 */
export async function withRepositoryLock<Result>(
  context: Context,
  command: string,
  work: () => Promise<Result>,
  options: LockOptions = {},
): Promise<Result> {
  const {repository} = context.restic;
  const note = noteOf(context, command);
  const attempt = await waitForLock(context, options.wait ?? 0, () => takeLock(repository, note, options.readOnlyRepository === 'proceed'));
  if (attempt.state === 'held') throw lockedError(repository, attempt.note, context.clock.now());
  try {
    return await work();
  } finally {
    attempt.release();
  }
}

/**
 * Takes the lock of `timetiles dr` on this installation: a bare machine has no repository to lock, or one that the next
 * command does not know of.
 * @throws TimetilesError `locked` (exit 4)
 */
export async function withStackLock<Result>(context: Context, command: string, work: () => Promise<Result>): Promise<Result> {
  mkdirSync(context.stateDirectory, {recursive: true, mode: 0o700});
  const attempt = await acquireFileLock(stackLockPath(context), noteOf(context, command));
  if (attempt.state === 'held') throw lockedError(context.stateDirectory, attempt.note, context.clock.now());
  try {
    return await work();
  } finally {
    attempt.release();
  }
}

/** The file that is locked for as long as a run works on the repository. */
export function repositoryLockPath(repository: string): string {
  return join(repository, 'timetiles.lock');
}

/** The same for `timetiles dr` and this installation. */
export function stackLockPath({stateDirectory}: Pick<Context, 'stateDirectory'>): string {
  return join(stateDirectory, 'dr.lock');
}

function noteOf(context: Context, command: string): string {
  return JSON.stringify({pid: process.pid, command, since: context.clock.now().toISOString(), host: hostname()});
}

/** Tries once, and then until the other run has ended or the time is over. */
async function waitForLock(context: Context, seconds: number, take: () => Promise<LockAttempt>): Promise<LockAttempt> {
  let attempt = await take();
  if (attempt.state === 'acquired' || seconds === 0) return attempt;
  context.log.info(`waiting up to ${formatSeconds(seconds)}: ${messageOf(lockedError(context.restic.repository, attempt.note, context.clock.now()))}`);
  await waitUntil(
    async () => {
      attempt = await take();
      return attempt.state === 'acquired';
    },
    {limit: seconds * 1000, interval: pollInterval, signal: context.signal},
  );
  return attempt;
}

async function takeLock(repository: string, note: string, allowReadOnly: boolean): Promise<LockAttempt> {
  try {
    mkdirSync(repository, {recursive: true, mode: 0o700});
    return await acquireFileLock(repositoryLockPath(repository), note);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EROFS') {
      // Nothing can be written there, so there is nothing to lock out.
      if (allowReadOnly) return {state: 'acquired', release: () => undefined};
      throw new TimetilesError('repository-readonly', `the repository ${repository} is on a read-only file system`, `Mount it for writing; findmnt --target ${shellWord(repository)} names the file system.`, {cause: error});
    }
    if (meansDenied(error)) {
      throw new TimetilesError('permission', `this user may not write to the repository ${repository}`, 'Run the command as its owner, usually root: sudo timetiles …', {cause: error});
    }
    if (code === 'ENOSPC') {
      throw new TimetilesError('repository-full', `the disk of the repository ${repository} is full`, `Free some space on it: df -h ${shellWord(repository)}`, {cause: error});
    }
    if (code === 'ENOTDIR' || code === 'EEXIST') {
      throw new TimetilesError('configuration', `the repository path ${repository} leads through a file`, 'Correct RESTIC_REPOSITORY.', {cause: error});
    }
    throw error;
  }
}

function lockedError(repository: string, text: string, now: Date): TimetilesError {
  const next = 'Wait until it has ended, then run the command again; --wait 10m does so by itself.';
  try {
    const note = noteSchema.parse(JSON.parse(text));
    const age = formatAge(new Date(note.since), now);
    return new TimetilesError('locked', `another run holds the lock of ${repository}: ${note.command}, process ${note.pid} on ${note.host}, started ${age}`, next);
  } catch {
    return new TimetilesError('locked', `another run holds the lock of ${repository}`, next);
  }
}
