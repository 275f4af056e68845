import {TimetilesError} from '../shared/errors.ts';
import {stopApp, waitForApp} from './app.ts';
import {uninterruptible, type Context} from './context.ts';
import {writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock} from './lock.ts';
import {makeSet} from './make-set.ts';
import {finishInterruptedRestore, finishInterruptedRestoreIfIdle, rollBack, settle, swapAll} from './recover.ts';
import {planRestore, type RestoreChoice, type RestorePlan} from './restore-plan.ts';
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
  const command = `timetiles restore ${request.wanted}`;
  const options = request.safetyBackup ? {} : ({readOnlyRepository: 'proceed'} as const);
  const work = async () => {
    // Another restore may have been killed since the plan was made; then the plan is out of date.
    const current = (await finishInterruptedRestore(context)) === undefined ? plan : await planRestore(request.from, request);
    return restore(context, current, request.safetyBackup);
  };
  const watched = {job: 'restore', command, conclude: concludeRestore} as const;
  return {state: 'done', ...(await watchJob(context, watched, () => withRepositoryLock(context, command, work, options)))};
}

function concludeRestore({set, restored, safetySet}: RestoreReport): Conclusion {
  return {state: 'done', set, message: `${restored.join(' and ')} restored${safetySet === null ? '' : `; the state before is set ${safetySet}`}`};
}

/**
 * The recipe: safety set, stage, check, stop the app, swap, start, wait until healthy. Until the swap the live data is
 * untouched; from then on the restore can only be completed, by the next command if need be.
 * @throws TimetilesError; the old data is then in place and the app runs
 */
async function restore(context: Context, plan: RestorePlan, safetyBackup: boolean): Promise<RestoreReport> {
  const begin = Date.now();
  const safetySet = safetyBackup ? await saveCurrentState(context, plan) : null;
  const journal: Journal = {
    id: plan.restoreId,
    set: plan.set.id,
    begun: context.clock.now().toISOString(),
    phase: 'staging',
    entries: plan.steps.map(({source, step}) => ({source: source.name, entry: step.entry})),
    stopped: [],
  };
  const stopping: Journal = {...journal, stopped: plan.stop.map(({id, name}) => ({id, name}))};
  let reached = journal;
  try {
    await writeJournal(context, journal);
    await stageAll(context, plan);
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
  const done = {set: plan.set.id, restored: plan.steps.map(({source}) => source.name), safetySet};
  const restarted = await reportAsRestored(context, done, () => settle(uninterruptible(context), reached));
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

async function stageAll(context: Context, plan: RestorePlan): Promise<void> {
  for (const {source, step} of plan.steps) {
    context.log.info(`restoring ${source.name} beside the live data`);
    await step.stage((progress) => context.log.progress({label: `restoring ${source.name}`, ...progress}));
    context.signal.throwIfAborted();
  }
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
