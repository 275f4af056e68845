import {TimetilesError} from '../shared/errors.ts';
import type {StackSettings} from '../sources/source.ts';
import {stopApp, waitForApp} from './app.ts';
import {uninterruptible, type Context} from './context.ts';
import {writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock} from './lock.ts';
import {makeSet} from './make-set.ts';
import {finishInterruptedRestore, finishInterruptedRestoreIfIdle, rollBack, settle, swapAll} from './recover.ts';
import {planRestore, requireSome, unlessFailed, type PlannedStep, type RestoreChoice, type RestorePlan} from './restore-plan.ts';
import {watchJob, type Conclusion} from './watch.ts';

export interface RestoreReport {
  readonly set: string;
  readonly restored: readonly string[];
  /** Id of the set of the state before, or null when there was nothing to save or it was not wanted. */
  readonly safetySet: string | null;
  /** Names of the containers that run again. */
  readonly restarted: readonly string[];
  readonly seconds: number;
}

export interface RestoreRequest extends RestoreChoice {
  /** Where the set is read from: this context, or the same on an offsite copy. Locks and safety sets stay with the local repository. */
  readonly from: Context;
  readonly safetyBackup: boolean;
  /** Shows the plan; `go` lets it happen. */
  readonly confirm: (plan: RestorePlan) => Promise<'go' | 'stop'>;
  readonly recovery?: Recovery;
}

/** What `timetiles dr` adds to a restore. */
export interface Recovery {
  readonly command: string;
  /** Where the stack is, for the next command, should this one be killed. */
  readonly stack: StackSettings;
  /** Runs the restore under the lock that fits. */
  readonly lock: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly onPhase: (phase: 'staging' | 'swapping' | 'checking' | 'starting') => void;
  /** Looks at the restored data before the app gets at it. */
  readonly check: (restored: readonly PlannedStep[], restoreId: string) => Promise<void>;
}

export type RestoreOutcome = ({readonly state: 'done'} & RestoreReport) | {readonly state: 'planned'; readonly plan: RestorePlan};

/**
 * Plans a restore in place, asks, and does it under the repository's lock.
 * @throws TimetilesError; the old data is then in place and the app runs, unless it says otherwise
 */
export async function restoreInPlace(context: Context, request: RestoreRequest): Promise<RestoreOutcome> {
  await finishInterruptedRestoreIfIdle(context);
  const plan = await planRestore(request.from, request);
  if ((await request.confirm(plan)) === 'stop') return {state: 'planned', plan};
  const {recovery} = request;
  const command = recovery?.command ?? `timetiles restore ${request.wanted}`;
  const options = request.safetyBackup ? {} : ({readOnlyRepository: 'proceed'} as const);
  const work = async () => {
    // Another restore may have been killed since the plan was made; then the plan is out of date.
    const current = (await finishInterruptedRestore(context)) === undefined ? plan : await planRestore(request.from, request);
    return restore(context, current, request);
  };
  const watched = {job: 'restore', command, conclude: (report: RestoreReport) => concludeRestore(report, request.failures)} as const;
  const locked = () => (recovery ? recovery.lock(work) : withRepositoryLock(context, command, work, options));
  return {state: 'done', ...(await watchJob(context, watched, locked))};
}

function concludeRestore({set, restored, safetySet}: RestoreReport, failures: ReadonlyMap<string, unknown> = new Map()): Conclusion {
  const failed = failures.size === 0 ? '' : `${[...failures.keys()].join(' and ')} failed; `;
  return {state: failures.size === 0 ? 'done' : 'failed', set, message: `${failed}${restored.join(' and ')} restored${safetySet === null ? '' : `; the state before is set ${safetySet}`}`};
}

/**
 * The recipe: safety set, stage, check, stop the app, swap, start, wait until healthy. Until the swap the live data is
 * untouched; from then on the restore can only be completed, by the next command if need be.
 * @throws TimetilesError; the old data is then in place and the app runs
 */
async function restore(context: Context, plan: RestorePlan, {safetyBackup, failures, recovery}: RestoreRequest): Promise<RestoreReport> {
  const begin = Date.now();
  const safetySet = safetyBackup ? await saveCurrentState(context, plan) : null;
  const journal: Journal = {
    id: plan.restoreId,
    set: plan.set.id,
    begun: context.clock.now().toISOString(),
    phase: 'staging',
    entries: entriesOf(plan.steps),
    stopped: [],
    ...(recovery && {stack: recovery.stack}),
  };
  let reached = journal;
  let staged: readonly PlannedStep[];
  try {
    await writeJournal(context, journal);
    recovery?.onPhase('staging');
    staged = await stageAll(context, plan, failures);
    recovery?.onPhase('swapping');
    const stopping: Journal = {...journal, entries: entriesOf(staged), stopped: plan.stop.map(({id, name}) => ({id, name}))};
    await writeJournal(context, stopping);
    reached = stopping;
    await stopApp(context, plan.stop);
    context.signal.throwIfAborted();
    reached = {...stopping, phase: 'swapping'};
    await writeJournal(uninterruptible(context), reached);
    context.log.info('putting the restored data in place');
    await swapAll(uninterruptible(context), reached);
  } catch (error) {
    context.log.info('undoing what was begun');
    await undo(context, reached, error);
    throw error;
  }
  const done = {set: plan.set.id, restored: staged.map(({source}) => source.name), safetySet};
  // Also after Ctrl-C in the middle of the checks: the app must not stay down.
  const checking = recovery && reportAsRestored(context, done, () => checkRestored(recovery, staged, plan.restoreId));
  await Promise.allSettled([checking]);
  const restarted = await reportAsRestored(context, done, () => settle(uninterruptible(context), reached));
  await checking;
  await reportAsRestored(context, done, () => waitForApp(context, reached.stopped));
  return {...done, restarted, seconds: (Date.now() - begin) / 1000};
}

/** The present state as an ordinary set, of those sources that have any. */
async function saveCurrentState(context: Context, plan: RestorePlan): Promise<string | null> {
  const sources = plan.steps.filter(({step}) => step.hasLiveData).map(({source}) => source);
  if (sources.length === 0) {
    context.log.info('there is no present state to save');
    return null;
  }
  context.log.info('saving the present state first');
  try {
    const report = await makeSet(context, {sources, allowEmpty: true, newRepository: false, acceptSmaller: false, command: 'timetiles restore', safety: true});
    return report.set;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof TimetilesError)) throw error;
    throw new TimetilesError(error.kind, `the present state could not be saved, nothing was restored: ${error.message}`, `${error.next} To restore without saving it: --no-safety-backup`, {cause: error});
  }
}

/** @returns those that are ready to be swapped: all, unless failures are collected */
async function stageAll(context: Context, plan: RestorePlan, failures: Map<string, unknown> | undefined): Promise<PlannedStep[]> {
  const staged: PlannedStep[] = [];
  for (const planned of plan.steps) {
    const {source, step} = planned;
    context.log.info(`restoring ${source.name} beside the live data`);
    await unlessFailed(context, failures, source.name, () => step.stage((progress) => context.log.progress({label: `restoring ${source.name}`, ...progress})));
    context.signal.throwIfAborted();
    if (failures?.has(source.name)) await source.revert(uninterruptible(context), step.entry);
    else staged.push(planned);
  }
  requireSome(staged, failures);
  return staged;
}

function entriesOf(steps: readonly PlannedStep[]): Journal['entries'] {
  return steps.map(({source, step}) => ({source: source.name, entry: step.entry}));
}

async function checkRestored(recovery: Recovery, staged: readonly PlannedStep[], restoreId: string): Promise<void> {
  recovery.onPhase('checking');
  await recovery.check(staged, restoreId);
  recovery.onPhase('starting');
}

/** Undoes; when that fails too, both failures are told. */
async function undo(context: Context, journal: Journal, cause: unknown): Promise<void> {
  try {
    await rollBack(context, journal);
  } catch (failure) {
    if (!(failure instanceof TimetilesError)) throw failure;
    const first = cause instanceof Error ? cause.message : String(cause);
    throw new TimetilesError(failure.kind, `${first}; then ${failure.message}`, failure.next, {cause});
  }
}

/** The data is in place and checked by now: an app that does not get up, or Ctrl-C, is told with that and with the way back. */
async function reportAsRestored<Result>(context: Context, done: Pick<RestoreReport, 'set' | 'safetySet'>, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const cause: unknown = context.signal.aborted ? context.signal.reason : error;
    if (!(cause instanceof TimetilesError)) throw error;
    const next = cause.kind === 'interrupted' ? 'See whether the app is up: docker ps' : cause.next;
    const wayBack = done.safetySet === null ? '' : ` To return to the state before: timetiles restore ${done.safetySet}`;
    throw new TimetilesError(cause.kind, `set ${done.set} is restored, but ${cause.message}`, `${next.replace(/\.$/, '')}.${wayBack}`, {cause});
  }
}
