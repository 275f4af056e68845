import type {Container} from '../docker/containers.ts';
import {TimetilesError} from '../shared/errors.ts';
import {formatBytes} from '../shared/format.ts';
import type {KeptData} from '../sources/leftover.ts';
import {containersToStop, startApp, stopApp, waitForApp, type UnwellBefore} from './app.ts';
import {uninterruptible, type Context} from './context.ts';
import {removeJournal, sourceOf, writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock} from './lock.ts';
import {dropPrevious, inspectAll, problemsOfKept, readPrevious, type Previous} from './previous.ts';
import {finishInterruptedRestore, finishInterruptedRestoreIfIdle, putBack, settleUndo} from './recover.ts';
import {describePlan, type RestorePlan} from './restore-plan.ts';
import {reportAsDone, restoreInPlace, type RestoreReport} from './restore.ts';
import {saveCurrentState} from './safety-set.ts';
import {watchJob} from './watch.ts';

export interface UndoRequest {
  readonly safetyBackup: boolean;
  readonly keepDays?: number | undefined;
  /** Shows the plan; `go` lets it happen. */
  readonly confirm: (plan: ShownPlan) => Promise<'go' | 'stop'>;
}

/** What is about to replace live data, in words. */
export interface ShownPlan {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
}

interface UndoReport {
  /** The set whose restore was undone. */
  readonly undone: string;
  /** When that restore was made. */
  readonly restoredAt: string;
  readonly sources: readonly string[];
  /** Id of the set of the state that the undo replaced, or null when it was not wanted. */
  readonly safetySet: string | null;
  readonly restarted: readonly string[];
  readonly seconds: number;
}

export type UndoOutcome =
  | ({readonly state: 'undone'} & UndoReport)
  /** The kept data was gone, and the safety set was restored. */
  | ({readonly state: 'done'} & RestoreReport)
  | {readonly state: 'planned'; readonly plan: ShownPlan};

interface UndoPlan {
  readonly record: Previous;
  readonly data: readonly KeptData[];
  readonly stop: readonly Container[];
}

const command = 'timetiles restore --undo';

/**
 * Returns to the state before the last restore: from the data that it kept, else from its safety set.
 * @throws TimetilesError `not-found` when there is neither
 */
export async function undoRestore(context: Context, request: UndoRequest): Promise<UndoOutcome> {
  await finishInterruptedRestoreIfIdle(context);
  const record = requireRecord(context);
  const data = record.kept ? await inspectAll(context, record) : undefined;
  if (!data) return restoreSafetySet(context, record, request);
  requireSound(record, data);
  const plan = await planSwap(context, record, data);
  const shown = {lines: describeSwap(plan, request.safetyBackup), warnings: []};
  if ((await request.confirm(shown)) === 'stop') return {state: 'planned', plan: shown};
  const conclude = ({undone, safetySet}: UndoReport) => ({state: 'done', set: undone, message: `the restore of set ${undone} is undone${safetySet === null ? '' : `; the state before that is set ${safetySet}`}`}) as const;
  const work = async () => {
    await finishInterruptedRestore(context);
    // Another restore, undo or backup may have run since the plan was made.
    const now = readPrevious(context);
    if (now?.id !== record.id || !now.kept) throw changedMeanwhile();
    const dataNow = await inspectAll(context, now);
    if (!dataNow) throw changedMeanwhile();
    requireSound(now, dataNow);
    return swapBack(context, plan, request.safetyBackup);
  };
  const options = request.safetyBackup ? {} : ({readOnlyRepository: 'proceed'} as const);
  return {state: 'undone', ...(await watchJob(context, {job: 'restore', command, conclude}, () => withRepositoryLock(context, command, work, options)))};
}

/**
 * Removes what the last restore kept.
 * @returns what it was, or undefined when nothing was kept
 */
export async function dropKeptState(context: Context): Promise<Previous | undefined> {
  return withRepositoryLock(context, 'timetiles restore --drop-previous', async () => {
    await finishInterruptedRestore(context);
    return dropPrevious(context);
  }, {readOnlyRepository: 'proceed'});
}

function requireRecord(context: Context): Previous {
  const record = readPrevious(context);
  if (!record) throw new TimetilesError('not-found', 'there is nothing to undo: no restore in place is remembered on this host', 'To go back to a set: timetiles backup list, then timetiles restore SET');
  if (record.kept || record.safetySet !== null) return record;
  throw new TimetilesError(
    'not-found',
    `there is nothing to undo: the data from before the restore of set ${record.set} is gone, and no safety set was made of it`,
    'Choose the newest set from before that restore: timetiles backup list, then timetiles restore SET',
  );
}

function changedMeanwhile(): TimetilesError {
  return new TimetilesError('restore', 'the kept state has changed since the plan was made', 'Nothing was changed. Look again: timetiles restore --undo --dry-run');
}

/** What is damaged must not take the place of live data; @throws TimetilesError that tells the other ways back */
function requireSound(record: Previous, data: readonly KeptData[]): void {
  const problems = problemsOfKept(record, data);
  if (problems.length === 0) return;
  const other = record.safetySet === null ? 'Choose a set: timetiles backup list, then timetiles restore SET' : `Its safety set has the same data: timetiles restore ${record.safetySet}`;
  throw new TimetilesError(
    'restore',
    `what the restore of set ${record.set} kept cannot take the place of the live data, which was not touched: ${problems.join('; ')}`,
    `${other}. To remove what is left of it: timetiles restore --drop-previous`,
  );
}

/** The way back when the data itself is gone: an ordinary restore, which can be undone in its turn. */
async function restoreSafetySet(context: Context, record: Previous, request: UndoRequest): Promise<UndoOutcome> {
  const {safetySet} = record;
  if (safetySet === null) throw new TimetilesError('not-found', `the data that the restore of set ${record.set} kept is not there any more, and no safety set was made of it`, 'Choose a set: timetiles backup list, then timetiles restore SET');
  const why = `the data from before the restore of set ${record.set} is not kept any more: its safety set ${safetySet} is restored instead`;
  const lines = (plan: RestorePlan) => [why, ...describePlan(plan, request.safetyBackup)];
  const {safetyBackup, keepDays} = request;
  const outcome = await restoreInPlace(context, {
    wanted: safetySet,
    only: undefined,
    from: context,
    safetyBackup,
    keepDays,
    confirm: (plan) => request.confirm({lines: lines(plan), warnings: plan.warnings}),
  });
  return outcome.state === 'done' ? outcome : {state: 'planned', plan: {lines: lines(outcome.plan), warnings: outcome.plan.warnings}};
}

async function planSwap(context: Context, record: Previous, data: readonly KeptData[]): Promise<UndoPlan> {
  return {record, data, stop: await containersToStop(context, data.flatMap(({mustStop}) => mustStop))};
}

function describeSwap({record, data, stop}: UndoPlan, safetyBackup: boolean): string[] {
  return [
    `the restore of set ${record.set}, made ${record.time}, is undone; what was live before it takes its place again:`,
    ...data.map(({description, bytes}) => `    ${description} (${formatBytes(bytes)})`),
    safetyBackup ? 'before that, the present state is saved as a set of its own' : 'the present state is NOT saved first: what was written since that restore is lost',
    stop.length === 0 ? 'no container has to be stopped' : `stopped meanwhile: ${stop.map(({name}) => name).join(', ')}`,
  ];
}

/**
 * The recipe: safety set, stop the app, put the kept data in place, start, wait until healthy. From the journal on the
 * undo is completed, by the next command if need be.
 */
async function swapBack(context: Context, {record, stop}: UndoPlan, safetyBackup: boolean): Promise<UndoReport> {
  const begin = Date.now();
  const safetySet = safetyBackup ? await saveCurrentState(context, record.entries.map(({source}) => sourceOf(source)), command) : null;
  context.signal.throwIfAborted();
  const journal: Journal = {
    id: record.id,
    set: record.set,
    begun: context.clock.now().toISOString(),
    phase: 'undoing',
    entries: record.entries,
    stopped: stop.map(({id, name}) => ({id, name})),
    safetySet,
  };
  await writeJournal(context, journal);
  const unwell = await stopOrStartAgain(context, journal);
  context.log.info('putting the kept data in place');
  const steady = uninterruptible(context);
  const told = {what: `the restore of set ${record.set} is undone`, wayBack: safetySet === null ? '' : `timetiles restore ${safetySet}`};
  await putBack(steady, journal);
  const restarted = await reportAsDone(context, told, () => settleUndo(steady, journal));
  await reportAsDone(context, told, () => waitForApp(context, journal.stopped, unwell));
  return {undone: record.set, restoredAt: record.time, sources: record.entries.map(({source}) => source), safetySet, restarted, seconds: (Date.now() - begin) / 1000};
}

/** An app that cannot be stopped, or Ctrl-C until then, calls the undo off. */
async function stopOrStartAgain(context: Context, journal: Journal): Promise<UnwellBefore> {
  try {
    const unwell = await stopApp(context, journal.stopped);
    context.signal.throwIfAborted();
    return unwell;
  } catch (error) {
    context.log.info('calling the undo off');
    const steady = uninterruptible(context);
    await startApp(steady, journal.stopped);
    await removeJournal(steady);
    throw error;
  }
}
