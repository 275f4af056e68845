import {removeDeadTemporaries} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {sourceByName} from '../sources/registry.ts';
import type {Source} from '../sources/source.ts';
import {startApp, stopApp} from './app.ts';
import {uninterruptible, type Context} from './context.ts';
import {readJournal, removeJournal, writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock} from './lock.ts';
import {hasLeftThrowaway, removeLeftThrowaway} from './throwaway.ts';

/**
 * Finishes or undoes a restore that was killed, and starts what it had stopped. Call it under the repository's lock:
 * then no living restore can own the journal.
 * @returns what was done, in words, or undefined when there was nothing
 */
export async function finishInterruptedRestore(context: Context): Promise<string | undefined> {
  removeDeadTemporaries(context.stateDirectory);
  await removeLeftThrowaway(context);
  const journal = readJournal(context);
  if (!journal) return undefined;
  const steady = uninterruptible(context);
  const what = `an interrupted restore of set ${journal.set}, begun ${journal.begun}`;
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
    case 'settled':
      return (await removeOldData(context, journal)) ? ['finished', 'the data from before it is removed'] : ['could not finish', 'the data from before it is still there'];
    default:
      await rollBack(context, journal);
      return ['undid', 'the data is as it was before'];
  }
}

/**
 * The same for commands that take no lock themselves. A restore that is alive holds the lock and is left alone.
 */
export async function finishInterruptedRestoreIfIdle(context: Context): Promise<void> {
  if (!readJournal(context) && !hasLeftThrowaway(context)) {
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
 * After the swap: starts the app and removes the old data. A container that does not start is reported at the end; it is
 * no reason to take checked data back.
 * @returns the names of the containers that run
 */
export async function settle(context: Context, journal: Journal): Promise<string[]> {
  let restarted: string[] = [];
  let startFailure: unknown;
  try {
    restarted = await startApp(context, journal.stopped);
  } catch (error) {
    startFailure = error;
  }
  const settled: Journal = {...journal, phase: 'settled'};
  await writeJournal(context, settled);
  await removeOldData(context, settled);
  if (startFailure !== undefined) throw startFailure;
  return restarted;
}

/** What cannot be removed yet stays in the journal for the next command, and stops nothing. @returns whether all is removed */
async function removeOldData(context: Context, journal: Journal): Promise<boolean> {
  try {
    for (const {source, entry} of journal.entries) await sourceOf(source).finish(context, entry);
    await removeJournal(context);
    return true;
  } catch (error) {
    context.log.warn(`the data from before the restore could not be removed: ${messageOf(error)}. The next command tries again`);
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

function sourceOf(name: string): Source {
  const source = sourceByName(name);
  if (source) return source;
  throw new TimetilesError('restore', `the journal of an interrupted restore names the unknown source ${name}`, 'Run the version of timetiles that began the restore.');
}
