import {TimetilesError} from '../shared/errors.ts';
import type {StackSettings} from '../sources/source.ts';
import {stopApp, waitForApp, type UnwellBefore} from './app.ts';
import {uninterruptible, type Context} from './context.ts';
import {readJournal, writeJournal, type Journal} from './journal.ts';
import {withRepositoryLock} from './lock.ts';
import {explainDamage, warnOfLostFiles} from './damage.ts';
import {removeDeadOrphans, suggestOrphans} from './leftovers.ts';
import type {MissingData} from './damage-kinds.ts';
import {suggestFreeingSpace, type Previous} from './previous.ts';
import {finishInterruptedRestore, finishInterruptedRestoreIfIdle, rollBack, settle, swapAll} from './recover.ts';
import {planRestore, requireRoomFor, type PlannedStep, type RestoreChoice, type RestorePlan} from './restore-plan.ts';
import {saveCurrentState} from './safety-set.ts';
import {stageAll, stageIntact, type Staged} from './stage.ts';
import {watchJob, type Conclusion} from './watch.ts';

const dayMilliseconds = 86_400_000;
/** How long the data from before is kept after a restore that had to leave things out: a damaged repository may spoil its safety set too. */
const daysAfterDamage = 30;

export interface RestoreReport {
  readonly set: string;
  readonly restored: readonly string[];
  /** Id of the set of the state before, or null when there was nothing to save or it was not wanted. */
  readonly safetySet: string | null;
  /** Names of the containers that run again. */
  readonly restarted: readonly string[];
  readonly seconds: number;
  /** What of the set was left out because it is damaged. */
  readonly missing: readonly MissingData[];
  /** What came back otherwise than by the ordinary way, or than it was; a line each. */
  readonly remarks: readonly string[];
  /** What became of the data that was live before; undefined when it could not be put aside yet. */
  readonly previous: Previous | undefined;
}

export interface RestoreRequest extends RestoreChoice {
  /** Where the set is read from: this context, or the same on an offsite copy. Locks and safety sets stay with the local repository. */
  readonly from: Context;
  readonly safetyBackup: boolean;
  /** Days for which the data from before is kept, 0 for not at all; undefined: until the next backup. */
  readonly keepDays?: number | undefined;
  /** Look for missing packs before the plan is shown. */
  readonly lookForDamage?: boolean;
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
  const plan = await withAdvice(context, request, () => planRestore(request.from, request));
  if (request.lookForDamage === true) plan.warnings.push(...(await warnOfLostFiles(request.from, plan.steps.map(({snapshot}) => snapshot))));
  if ((await request.confirm(plan)) === 'stop') return {state: 'planned', plan};
  const {recovery} = request;
  const command = recovery?.command ?? `timetiles restore ${request.wanted}`;
  const options = request.safetyBackup ? {} : ({readOnlyRepository: 'proceed'} as const);
  const work = async () => {
    // Another restore may have been killed since the plan was made; then the plan is out of date.
    const finished = await finishInterruptedRestore(context);
    requireNoJournal(context);
    const current = finished === undefined ? plan : await planRestore(request.from, request);
    return withAdvice(context, request, () => restore(context, current, request));
  };
  const watched = {job: 'restore', command, conclude: (report: RestoreReport) => concludeRestore(report, request.failures)} as const;
  const locked = () => (recovery ? recovery.lock(work) : withRepositoryLock(context, command, work, options));
  return {state: 'done', ...(await watchJob(context, watched, locked))};
}

/** A journal has room for one restore: what another one kept would be lost track of. */
function requireNoJournal(context: Context): void {
  if (!readJournal(context)) return;
  throw new TimetilesError('restore', 'the restore before this one is not finished: the data from before it could not be put aside', 'The warnings above say why. Correct that, then restore again.');
}

/** A failure tells what else can be done: about damage, and about a disk that is too small. */
async function withAdvice<Result>(context: Context, request: RestoreRequest, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw await explainDamage(context, request.from, request, suggestFreeingSpace(context, await suggestOrphans(context, error)));
  }
}

function concludeRestore({set, restored, safetySet, missing}: RestoreReport, failures: ReadonlyMap<string, unknown> = new Map()): Conclusion {
  const failed = failures.size === 0 ? '' : `${[...failures.keys()].join(' and ')} failed; `;
  const lost = missing.length === 0 ? '' : ', not all of it: the repository is damaged';
  const state = failures.size > 0 ? 'failed' : missing.length > 0 ? 'incomplete' : 'done';
  return {state, set, message: `${failed}${restored.join(' and ')} restored${lost}${safetySet === null ? '' : `; the state before is set ${safetySet}`}`};
}

/**
 * The recipe: safety set, stage, check, stop the app, swap, start, wait until healthy. Until the swap the live data is
 * untouched; from then on the restore can only be completed, by the next command if need be.
 * @throws TimetilesError; the old data is then in place and the app runs
 */
async function restore(context: Context, plan: RestorePlan, request: RestoreRequest): Promise<RestoreReport> {
  const {recovery} = request;
  const begin = Date.now();
  const live = plan.steps.filter(({step}) => step.hasLiveData).map(({source}) => source);
  const safetySet = request.safetyBackup ? await saveCurrentState(context, live, 'timetiles restore') : null;
  await removeDeadOrphans(context);
  // The safety set took time, and room too where the repository is on the same disk.
  await requireRoomFor(plan.steps);
  const journal: Journal = {
    id: plan.restoreId,
    set: plan.set.id,
    begun: context.clock.now().toISOString(),
    phase: 'staging',
    entries: entriesOf(plan.steps),
    stopped: [],
    safetySet,
    ...(recovery && {stack: recovery.stack}),
  };
  let reached = journal;
  let staged: Staged;
  let unwell: UnwellBefore;
  try {
    await writeJournal(context, journal);
    recovery?.onPhase('staging');
    staged = request.bestEffort === true ? await stageIntact(context, request.from, plan) : await stageAll(context, plan, request.failures);
    recovery?.onPhase('swapping');
    const keepUntil = keepingTime(context, request.keepDays ?? (staged.missing.length > 0 ? daysAfterDamage : undefined));
    const stopping: Journal = {...journal, entries: entriesOf(staged.steps), stopped: plan.stop.map(({id, name}) => ({id, name})), ...(keepUntil !== undefined && {keepUntil})};
    await writeJournal(context, stopping);
    reached = stopping;
    unwell = await stopApp(context, plan.stop);
    context.signal.throwIfAborted();
    reached = {...reached, phase: 'swapping'};
    await writeJournal(uninterruptible(context), reached);
    context.log.info('putting the restored data in place');
    await swapAll(uninterruptible(context), reached);
  } catch (error) {
    context.log.info('undoing what was begun');
    await undo(context, reached, error);
    throw error;
  }
  const done = {set: plan.set.id, restored: staged.steps.map(({source}) => source.name), safetySet, missing: staged.missing, remarks: [...plan.steps.flatMap(({source, step}) => step.warnings.map((line) => `${source.name}: ${line}`)), ...staged.remarks]};
  const told = {what: `set ${done.set} is restored`, wayBack: waysBack(reached)};
  // Also after Ctrl-C in the middle of the checks: the app must not stay down.
  const checking = recovery && reportAsDone(context, told, () => checkRestored(recovery, staged.steps, plan.restoreId));
  await Promise.allSettled([checking]);
  const {restarted, previous} = await reportAsDone(context, told, () => settle(uninterruptible(context), reached));
  await checking;
  await reportAsDone(context, told, () => waitForApp(context, reached.stopped, unwell));
  return {...done, restarted, previous, seconds: (Date.now() - begin) / 1000};
}

/** Until when the data from before is kept; null: until the next backup; undefined: not at all. */
function keepingTime({clock}: Context, days: number | undefined): string | null | undefined {
  if (days === undefined) return null;
  return days === 0 ? undefined : new Date(clock.now().getTime() + days * dayMilliseconds).toISOString();
}

function waysBack({safetySet, keepUntil}: Journal): string {
  return [...(safetySet === null ? [] : [`timetiles restore ${safetySet}`]), ...(keepUntil === undefined ? [] : ['timetiles restore --undo'])].join(' or ');
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
export async function reportAsDone<Result>(context: Context, {what, wayBack}: {what: string; wayBack: string}, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const cause: unknown = context.signal.aborted ? context.signal.reason : error;
    if (!(cause instanceof TimetilesError)) throw error;
    const next = cause.kind === 'interrupted' ? 'See whether the app is up: docker ps' : cause.next;
    throw new TimetilesError(cause.kind, `${what}, but ${cause.message}`, `${next.replace(/\.$/, '')}.${wayBack === '' ? '' : ` To return to the state before: ${wayBack}`}`, {cause});
  }
}
