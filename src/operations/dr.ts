import {isLocal, repositoryExists} from '../restic/handle.ts';
import {TimetilesError, toTimetilesError} from '../shared/errors.ts';
import {onStack, uninterruptible, type Context} from './context.ts';
import {findBackup, type BackupWish} from './dr-find.ts';
import {findLive, planRecovery, requireNothingLive, settingLines, stackLines, type DrPlan} from './dr-plan.ts';
import {takeOverHostName} from './host-names.ts';
import {readJournal, type Journal} from './journal.ts';
import {withRepositoryLock, withStackLock} from './lock.ts';
import {isProved, proveRestored, type SourceProof} from './prove.ts';
import {finishInterruptedRestore, finishInterruptedRestoreIfIdle} from './recover.ts';
import {restoreInPlace, type Recovery} from './restore.ts';

export interface DrRequest extends BackupWish {
  readonly project: string | undefined;
  /** Goes on although there is live data. */
  readonly replace: boolean;
  readonly safetyBackup: boolean;
  readonly dryRun: boolean;
  /** Shows the plan and asks. */
  readonly confirm: (plan: DrPlan) => Promise<'go' | 'stop'>;
}

/** Seconds by what was done in them; `prepare` takes in the safety set. */
interface DrTimes {
  readonly find: number;
  readonly prepare: number;
  readonly stage: number;
  readonly swap: number;
  readonly checks: number;
  readonly start: number;
  readonly total: number;
}

export interface DrReport {
  /** `failed`: some source did not come back, or a check of what did failed. */
  readonly state: 'done' | 'failed';
  readonly set: string;
  readonly host: string;
  readonly place: string;
  readonly restored: readonly string[];
  readonly failures: readonly {readonly source: string; readonly message: string; readonly next: string}[];
  readonly proofs: readonly SourceProof[];
  readonly safetySet: string | null;
  readonly restarted: readonly string[];
  /** What was made or started, a line each. */
  readonly made: readonly string[];
  /** What came back otherwise than by the ordinary way, or than it was; a line each. */
  readonly remarks: readonly string[];
  /** Lines for bootstrap.conf. */
  readonly settings: readonly string[];
  readonly stack: readonly string[];
  readonly composeDirectory: string | null;
  readonly times: DrTimes;
}

export type DrOutcome = ({readonly outcome: 'recovered'} & DrReport) | {readonly outcome: 'planned'; readonly plan: DrPlan};

const command = 'timetiles dr';

/**
 * Brings a stack back on a machine that may have nothing: finds the set, makes volumes and server where they are missing,
 * and restores every source by the ordinary recipe. One source's failure does not stop the others.
 * @throws TimetilesError when nothing could be restored; what was made is used by the next run
 */
export async function recoverStack(context: Context, request: DrRequest): Promise<DrOutcome> {
  if (request.dryRun) return {outcome: 'planned', plan: await findAndPlan(context, request)};
  const finished = await finishEarlier(context);
  return withStackLock(context, command, async () => {
    const watch = stopwatch();
    if (finished) return {outcome: 'recovered', ...(await checkFinished(context, request, finished))};
    const plan = await findAndPlan(context, request);
    const asked = watch.lap();
    if ((await request.confirm(plan)) === 'stop') return {outcome: 'planned', plan};
    watch.lap();
    await prepare(plan, request);
    return {outcome: 'recovered', ...(await restorePlanned(plan, request, {find: asked, prepare: watch.lap()}))};
  });
}

/**
 * Finishes or undoes what was killed. An ordinary restore may be alive under the repository's lock, another dr under this one's.
 * @returns the journal of a dr whose data is in place by now and that no app has written to: only the checks are left
 */
async function finishEarlier(context: Context): Promise<Journal | undefined> {
  const journal = readJournal(context);
  if (!journal?.stack) {
    await finishInterruptedRestoreIfIdle(context);
    return undefined;
  }
  const done = await finishInterruptedRestore(context);
  return journal.phase === 'swapping' && journal.stopped.length === 0 && done !== undefined ? journal : undefined;
}

async function findAndPlan(context: Context, request: DrRequest): Promise<DrPlan> {
  const plan = await planRecovery(context, await findBackup(context, request), request);
  // A dry run replaces nothing, and its plan says what this would take.
  if (!request.replace && !request.dryRun) requireNothingLive(plan.live);
  return plan;
}

/** Makes and starts what is missing. A server that had to be started may turn out to hold live data: it is put to rest again. */
async function prepare({context, homes, found, manifest}: DrPlan, {replace, only}: DrRequest): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const {home} of homes) {
      for (const line of home.missing) context.log.info(line);
      undo.push(await home.prepare());
      context.signal.throwIfAborted();
    }
    if (!replace) requireNothingLive(await findLive(context, {set: found.set, manifest}, only));
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

async function restorePlanned(plan: DrPlan, request: DrRequest, before: {find: number; prepare: number}): Promise<DrReport> {
  const {context, found, manifest} = plan;
  const failures = new Map<string, unknown>();
  const times: Record<string, number> = {};
  const watch = stopwatch();
  let phase = 'safety';
  let proofs: SourceProof[] = [];
  const live = await findLive(context, {set: found.set, manifest}, request.only);
  const safetyBackup = request.safetyBackup && live.length > 0;
  const from = onStack(found.from, plan.settings);
  const enter = (next: string) => {
    times[phase] = watch.lap();
    phase = next;
  };
  const recovery: Recovery = {
    command,
    stack: plan.settings,
    lock: (work) => (isLocal(context.restic) && (repositoryExists(context.restic) || safetyBackup) ? withRepositoryLock(context, command, work, safetyBackup ? {} : {readOnlyRepository: 'proceed'}) : work()),
    onPhase: enter,
    async check(restored, restoreId) {
      proofs = await proveRestored(from, {snapshots: restored.map(({snapshot}) => snapshot), manifest}, restoreId);
    },
  };
  const outcome = await restoreInPlace(context, {wanted: found.set.id, only: request.only, failures, from, safetyBackup, keepDays: 0, confirm: () => Promise.resolve('go'), recovery});
  if (outcome.state !== 'done') throw new Error('a restore that was confirmed did not happen');
  enter('end');
  const {safety = 0, staging = 0, swapping = 0, checking = 0, starting = 0} = times;
  const {restored, safetySet, restarted, remarks} = outcome;
  return report(plan, request, {restored, safetySet, restarted, remarks, proofs, failures, times: withTotal({find: before.find, prepare: before.prepare + safety, stage: staging, swap: swapping, checks: checking, start: starting})});
}

/** What is left of a run that was killed after its data was in place: nobody was told whether it is right. */
async function checkFinished(context: Context, request: DrRequest, journal: Journal): Promise<DrReport> {
  const watch = stopwatch();
  const plan = await planRecovery(context, await findBackup(context, {...request, set: journal.set}), request);
  const find = watch.lap();
  const restored = journal.entries.map(({source}) => source);
  const snapshots = plan.found.set.snapshots.filter(({source}) => restored.includes(source));
  const proofs = await proveRestored(onStack(plan.found.from, plan.settings), {snapshots, manifest: plan.manifest}, journal.id);
  const absent = plan.found.set.snapshots.filter(({source}) => !restored.includes(source) && (request.only ?? source) === source);
  const failures = new Map(absent.map(({source}) => [source, new TimetilesError('restore', 'the interrupted run did not restore it', `Restore it alone: the same command with --only ${source}`)]));
  return report(plan, request, {restored, safetySet: null, restarted: [], remarks: [], proofs, failures, times: withTotal({find, prepare: 0, stage: 0, swap: 0, checks: watch.lap(), start: 0})});
}

type Result = Pick<DrReport, 'restored' | 'safetySet' | 'restarted' | 'remarks' | 'proofs' | 'times'> & {readonly failures: ReadonlyMap<string, unknown>};

async function report({context, found, manifest, homes, settings}: DrPlan, {named}: DrRequest, result: Result): Promise<DrReport> {
  if (found.isLocal) await takeOverHostName(uninterruptible(context), found.host);
  const {failures, proofs} = result;
  return {
    ...result,
    state: failures.size === 0 && isProved(proofs) ? 'done' : 'failed',
    set: found.set.id,
    host: found.host,
    place: found.place,
    failures: [...failures].map(([source, error]) => {
      const {message, next} = toTimetilesError(error);
      return {source, message, next};
    }),
    made: homes.flatMap(({home}) => home.missing),
    // The next command needs what the command line gave, too.
    settings: settingLines({...settings, ...named}),
    stack: stackLines(manifest),
    composeDirectory: manifest?.stack?.directory ?? null,
  };
}

function withTotal(times: Omit<DrTimes, 'total'>): DrTimes {
  return {...times, total: Object.values(times).reduce((sum, seconds) => sum + seconds, 0)};
}

/** Seconds since it was made or last asked. */
function stopwatch(): {lap: () => number} {
  let last = performance.now();
  return {
    lap() {
      const now = performance.now();
      const seconds = (now - last) / 1000;
      last = now;
      return seconds;
    },
  };
}
