import {isLocal, repositoryExists} from '../restic/handle.ts';
import {toTimetilesError} from '../shared/errors.ts';
import {onStack, uninterruptible, type Context} from './context.ts';
import {findBackup, type BackupWish} from './dr-find.ts';
import {findLive, planRecovery, requireNothingLive, settingLines, stackLines, type DrPlan} from './dr-plan.ts';
import {takeOverHostName} from './host-names.ts';
import {readJournal} from './journal.ts';
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

/** Seconds by what was done in them. */
export interface DrTimes {
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
  // An ordinary restore may be alive under the repository's lock, another dr under this one's.
  if (readJournal(context)?.stack) await finishInterruptedRestore(context);
  else await finishInterruptedRestoreIfIdle(context);
  return withStackLock(context, command, async () => {
    const watch = stopwatch();
    const plan = await findAndPlan(context, request);
    const asked = watch.lap();
    if ((await request.confirm(plan)) === 'stop') return {outcome: 'planned', plan};
    watch.lap();
    await prepare(plan, request);
    return {outcome: 'recovered', ...(await restorePlanned(plan, request, {find: asked, prepare: watch.lap()}))};
  });
}

async function findAndPlan(context: Context, request: DrRequest): Promise<DrPlan> {
  const plan = await planRecovery(context, await findBackup(context, request), request);
  if (!request.replace) requireNothingLive(plan.live);
  return plan;
}

/** Makes and starts what is missing. A server that had to be started may turn out to hold live data: it is put to rest again. */
async function prepare({context, homes, found}: DrPlan, {replace, only}: DrRequest): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const {home} of homes) {
      for (const line of home.missing) context.log.info(line);
      undo.push(await home.prepare());
      context.signal.throwIfAborted();
    }
    if (!replace) requireNothingLive(await findLive(context, found.set, only));
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

async function restorePlanned(plan: DrPlan, request: DrRequest, before: {find: number; prepare: number}): Promise<DrReport> {
  const {context, found, manifest, homes} = plan;
  const failures = new Map<string, unknown>();
  const times: Record<string, number> = {};
  const watch = stopwatch();
  let phase = 'safety';
  let proofs: SourceProof[] = [];
  const live = await findLive(context, found.set, request.only);
  const safetyBackup = request.safetyBackup && live.length > 0;
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
      proofs = await proveRestored(onStack(found.from, plan.settings), {snapshots: restored.map(({snapshot}) => snapshot), manifest}, restoreId);
    },
  };
  const outcome = await restoreInPlace(context, {
    wanted: found.set.id,
    only: request.only,
    failures,
    from: onStack(found.from, plan.settings),
    safetyBackup,
    confirm: () => Promise.resolve('go'),
    recovery,
  });
  if (outcome.state !== 'done') throw new Error('a restore that was confirmed did not happen');
  enter('end');
  if (found.isLocal) await takeOverHostName(uninterruptible(context), found.host);
  const {find, prepare: prepared} = before;
  const {safety = 0, staging = 0, swapping = 0, checking = 0, starting = 0} = times;
  return {
    state: failures.size === 0 && isProved(proofs) ? 'done' : 'failed',
    set: found.set.id,
    host: found.host,
    place: found.place,
    restored: outcome.restored,
    failures: [...failures].map(([source, error]) => {
      const {message, next} = toTimetilesError(error);
      return {source, message, next};
    }),
    proofs,
    safetySet: outcome.safetySet,
    restarted: outcome.restarted,
    made: homes.flatMap(({home}) => home.missing),
    settings: settingLines(plan.settings, found.isLocal && !context.configuration.given.has('RESTIC_REPOSITORY') ? found.place : undefined),
    stack: stackLines(manifest),
    composeDirectory: manifest?.stack?.directory ?? null,
    times: {find, prepare: prepared + safety, stage: staging, swap: swapping, checks: checking, start: starting, total: find + prepared + safety + staging + swapping + checking + starting},
  };
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
