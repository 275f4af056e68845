import {removeDeadTemporaries} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError, toTimetilesError} from '../shared/errors.ts';
import {startApp, stopApp} from './app.ts';
import {onStack, uninterruptible, type Context} from './context.ts';
import {damagedState} from './damaged-state.ts';
import {hasLeftStaging, removeLeftStaging} from './import-staging.ts';
import {mayBeMixed, readJournal, removeJournal, sourceOf, writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock, withStackLock} from './lock.ts';
import {dropExpiredPrevious, forgetPrevious, putAside, type Previous} from './previous.ts';
import {hasLeftThrowaway, removeLeftThrowaway} from './throwaway.ts';

/**
 * Finishes or undoes a restore that was killed, and starts what it had stopped; removes what an earlier restore kept and
 * whose time is over, and what restore tests and imports left that were killed. Call it under the repository's lock: then no living restore can own the journal.
 * @returns what was done, in words, or undefined when there was nothing
 */
export async function finishInterruptedRestore(context: Context): Promise<string | undefined> {
  removeDeadTemporaries(context.stateDirectory);
  await removeLeftThrowaway(context);
  await removeLeftStaging(context);
  const journal = readJournal(context);
  if (!journal) {
    await dropExpiredPrevious(context);
    return undefined;
  }
  if (journal.stack) return withStackLock(context, 'timetiles dr', () => finishJournal(context, journal));
  return finishJournal(context, journal);
}

/** Call it under the lock that the journal's owner would hold. */
async function finishJournal(context: Context, journal: Journal): Promise<string> {
  const steady = onStack(uninterruptible(context), journal.stack ?? {});
  const what = `an interrupted ${journal.phase === 'undoing' ? 'undo of the ' : ''}restore of set ${journal.set}, begun ${journal.begun}`;
  context.log.warn(`found ${what}`);
  // The container that was being stopped when the tool was killed may still be at it, and a reboot may have started others.
  if (journal.phase !== 'settled') await stopApp(steady, journal.stopped);
  const done = await finishPhase(steady, journal);
  context.log.warn(`${done[0]} ${what}: ${done[1]}`);
  return done.join(': ');
}

async function finishPhase(context: Context, journal: Journal): Promise<readonly [string, string]> {
  switch (journal.phase) {
    case 'swapping':
      await swapAll(context, journal);
      await settle(context, journal);
      return ['finished', 'the restored data is in place'];
    case 'settled': {
      const previous = await keepOldData(context, journal);
      return previous ? ['finished', `the data from before it is ${previous.kept ? 'kept' : 'removed'}`] : ['could not finish', 'the data from before it is still there'];
    }
    case 'undoing':
      await putBack(context, journal);
      await settleUndo(context, journal);
      return ['finished', 'the data from before that restore is in place'];
    default:
      await rollBack(context, journal);
      return ['undid', 'the data is as it was before'];
  }
}

/**
 * The same for what does not depend on it: what cannot be finished now is told, and stops nothing.
 * @returns why what is saved now may not belong together; undefined where nothing speaks against it
 */
export async function finishInterruptedRestoreOrWarn(context: Context): Promise<string | undefined> {
  for (const line of damagedState(context)) context.log.warn(line);
  try {
    await finishInterruptedRestore(context);
    return undefined;
  } catch (error) {
    warnOfUnfinished(context, error);
  }
  return mayBeMixed(context) ? 'it was made while a restore was neither finished nor undone: database and uploads may be of different moments' : undefined;
}

/** The same for commands that only look, and take no lock. */
export async function finishInterruptedRestoreIfIdleOrWarn(context: Context): Promise<void> {
  for (const line of damagedState(context)) context.log.warn(line);
  try {
    await finishInterruptedRestoreIfIdle(context);
  } catch (error) {
    warnOfUnfinished(context, error);
  }
}

function warnOfUnfinished(context: Context, error: unknown): void {
  context.signal.throwIfAborted();
  const {kind, message, next} = toTimetilesError(error);
  if (kind === 'locked') throw error;
  context.log.warn(`a restore that was interrupted is not finished yet: ${message}. ${next}`);
}

/**
 * The same for commands that take no lock themselves. A restore that is alive holds the lock and is left alone.
 */
export async function finishInterruptedRestoreIfIdle(context: Context): Promise<void> {
  if (!readJournal(context) && !hasLeftThrowaway(context) && !hasLeftStaging(context)) {
    removeDeadTemporaries(context.stateDirectory);
    return;
  }
  try {
    await withRepositoryLock(context, 'finishing an interrupted restore', () => finishInterruptedRestore(context));
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'locked') throw error;
  }
}

/** Puts the new data of every source in place; each goes on from wherever it was. */
export async function swapAll(context: Context, journal: Journal): Promise<void> {
  for (const {source, entry} of journal.entries) await sourceOf(source).swap(context, entry);
}

/**
 * After the swap: starts the app, and keeps or removes the old data. A container that does not start is reported at the
 * end; it is no reason to take checked data back.
 * @returns the names of the containers that run, and what became of the old data
 */
export async function settle(context: Context, journal: Journal): Promise<{restarted: string[]; previous: Previous | undefined}> {
  let restarted: string[] = [];
  let startFailure: unknown;
  try {
    restarted = await startApp(context, journal.stopped);
  } catch (error) {
    startFailure = error;
  }
  const settled: Journal = {...journal, phase: 'settled'};
  await writeJournal(context, settled);
  const previous = await keepOldData(context, settled);
  if (startFailure !== undefined) throw startFailure;
  return {restarted, previous};
}

/** What cannot be done yet stays in the journal for the next command, and stops nothing. */
async function keepOldData(context: Context, journal: Journal): Promise<Previous | undefined> {
  try {
    const previous = await putAside(context, journal);
    await removeJournal(context);
    return previous;
  } catch (error) {
    context.log.warn(`the data from before the restore could not be put aside: ${messageOf(error)}. The next command tries again`);
    return undefined;
  }
}

/**
 * Puts the data that a finished restore kept in its place again. Goes on from wherever it was. The first source is the one
 * that can refuse: when it does, nothing has changed, and the undo is called off.
 * @throws TimetilesError that says whether it was called off, or is left to the next command; the app runs
 */
export async function putBack(context: Context, journal: Journal): Promise<void> {
  const failures: unknown[] = [];
  let isCalledOff = false;
  for (const {source, entry} of journal.entries) {
    try {
      await sourceOf(source).revert(context, entry);
    } catch (error) {
      failures.push(error);
      isCalledOff = await isUntouched(context, journal);
      if (isCalledOff) break;
    }
  }
  if (failures.length === 0) return;
  await startApp(context, journal.stopped).catch((error: unknown) => failures.push(error));
  if (isCalledOff) await removeJournal(context);
  const remedy = (failures.find((failure) => failure instanceof TimetilesError)?.next ?? 'Correct the cause').replace(/\.$/, '');
  throw new TimetilesError(
    'restore',
    `${isCalledOff ? 'the undo was called off, the data is as the restore left it' : 'the undo is not complete'}: ${failures.map(messageOf).join('; ')}`,
    `${remedy}. Then ${isCalledOff ? 'try again: timetiles restore --undo' : 'run any timetiles command: it finishes the undo.'}`,
    {cause: new AggregateError(failures)},
  );
}

/**
 * After that: starts the app and forgets the restore.
 * @returns the names of the containers that run
 */
export async function settleUndo(context: Context, journal: Journal): Promise<string[]> {
  try {
    return await startApp(context, journal.stopped);
  } finally {
    // In this order: what the journal does not speak of any more must not look as if it could be undone.
    await forgetPrevious(context);
    await removeJournal(context);
  }
}

/** Whether all that the restore kept is still where it was put. */
async function isUntouched(context: Context, journal: Journal): Promise<boolean> {
  try {
    for (const {source, entry} of journal.entries) if (!(await sourceOf(source).inspectKept(context, entry))) return false;
    return true;
  } catch {
    // Then nothing is known, and the journal has to stay.
    return false;
  }
}

/** Takes everything back, last source first, and starts the app; tries every step before it reports a failure. */
export async function rollBack(context: Context, journal: Journal): Promise<void> {
  const steady = uninterruptible(context);
  const failures: unknown[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  };
  if (journal.phase === 'swapping') await writeJournal(steady, {...journal, phase: 'reverting'});
  for (const {source, entry} of journal.entries.toReversed()) await attempt(() => sourceOf(source).revert(steady, entry));
  await attempt(() => startApp(steady, journal.stopped));
  if (failures.length === 0) {
    await removeJournal(steady);
    return;
  }
  const remedy = failures.find((failure) => failure instanceof TimetilesError)?.next ?? 'Correct the cause';
  throw new TimetilesError(
    'restore',
    `the restore could not be undone completely: ${failures.map(messageOf).join('; ')}`,
    `${remedy.replace(/\.$/, '')}. Then run any timetiles command: it tries again to undo what is left.`,
    {cause: new AggregateError(failures)},
  );
}
