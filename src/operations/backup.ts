import {hostname} from 'node:os';
import type {SnapshotStream} from '../restic/backup.ts';
import {exitCodes, messageOf, TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {newSetId} from '../shared/set-id.ts';
import type {BackupTask, Source, SourceRecord} from '../sources/source.ts';
import {uninterruptible, type Context} from './context.ts';
import {delayAtRandom, findFreshSet, type FreshSet} from './fresh-set.ts';
import {runHook} from './hooks.ts';
import {readSetStates} from './known-sets.ts';
import {withRepositoryLock} from './lock.ts';
import {commitManifest, startManifest, type Manifest} from './manifest.ts';
import {finishInterruptedRestore} from './recover.ts';
import {clearDeadLocks, prepareRepository, requireKnownRepository} from './repository.ts';
import {offsiteLag, type OffsiteLag} from './offsite/lag.ts';
import {sendOffsite, type OffsiteReport} from './offsite/send.ts';
import {manifestTags, sourceTags} from './sets.ts';

export interface BackupRequest {
  readonly sources: readonly Source[];
  /** Accept an uploads directory that has become empty or that nothing mounts. */
  readonly allowEmpty: boolean;
  /** Make a new repository although a known one is gone. */
  readonly newRepository: boolean;
  /** For the lock's note, such as `timetiles backup`. */
  readonly command: string;
}

export interface OffsiteWish {
  /** `require`: a copy that fails fails the command. */
  readonly offsite: 'no' | 'try' | 'require';
}

/** When a backup begins, and whether it does. */
export interface BackupTiming {
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
  /** Begin only when the newest set is older than so many seconds. */
  readonly ifOlderThan?: number | undefined;
  /** Seconds up to which a random delay comes first. */
  readonly randomDelay?: number | undefined;
}

export interface BackupReport {
  readonly state: 'complete' | 'incomplete';
  readonly set: string;
  readonly time: Date;
  readonly records: readonly SourceRecord[];
  readonly warnings: readonly string[];
}

export interface BackupOutcome extends BackupReport {
  /** Null when no offsite copy was asked for. */
  readonly offsite: OffsiteReport | null;
  /** How far the offsite copy is behind after a run that did not see to it; undefined where none is configured. */
  readonly lag: OffsiteLag | undefined;
  readonly exitCode: number;
}

/**
 * Makes one set: lock, preflight, pre command, every source, manifest, post command; then the offsite copy, whose trouble
 * never fails a good local backup unless that is wanted. Answers `fresh` where `ifOlderThan` makes a set needless.
 * @throws TimetilesError for whatever keeps the set from being stored; then no set of this run is `latest`
 */
export async function backup(context: Context, request: BackupRequest & OffsiteWish & BackupTiming): Promise<BackupOutcome | FreshSet> {
  if (request.randomDelay !== undefined) await delayAtRandom(context, request.randomDelay);
  if (!request.newRepository) requireKnownRepository(context);
  return withRepositoryLock(context, request.command, async () => {
    await finishInterruptedRestore(context);
    const fresh = request.ifOlderThan === undefined ? undefined : await findFreshSet(context, request.sources.map(({name}) => name), request.ifOlderThan);
    if (fresh) return fresh;
    const report = await makeSet(context, {...request, safety: false});
    if (request.offsite === 'no') return {...report, offsite: null, lag: await lagAfter(context), exitCode: exitCodeOf(report)};
    const offsite = await copyOffsite(context, request, report);
    const isRequired = request.offsite === 'require' && offsite.state !== 'done';
    return {...report, offsite, lag: undefined, exitCode: isRequired ? exitCodes.failed : exitCodeOf(report)};
  }, {wait: request.wait});
}

/** An incomplete set is kept and flagged. */
function exitCodeOf(report: BackupReport): number {
  return report.state === 'complete' ? exitCodes.done : exitCodes.incomplete;
}

/** Ctrl-C here must not sound as if the local set were lost. */
async function copyOffsite(context: Context, request: BackupRequest, report: BackupReport): Promise<OffsiteReport> {
  context.log.info(`set ${report.set} is stored here; copying offsite`);
  try {
    return await sendOffsite(context, {newRepository: request.newRepository, startAnew: false});
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'interrupted') throw error;
    throw new TimetilesError('interrupted', `${error.message}; set ${report.set} is stored here, its offsite copy is not finished`, 'The next timetiles backup --offsite goes on where this one stopped.', {cause: error});
  }
}

/** A backup without --offsite where a copy is configured: the operator sees how far it is behind. */
async function lagAfter(context: Context): Promise<OffsiteLag | undefined> {
  if (context.settings.RESTIC_OFFSITE_REPOSITORY === undefined) return undefined;
  try {
    return offsiteLag(context, await readSetStates(context));
  } catch (error) {
    context.log.warn(`the offsite copy cannot be judged: ${messageOf(error)}`);
    return undefined;
  }
}

/** Makes one set under a lock that is held already: an ordinary backup, or a restore's safety set. */
export async function makeSet(context: Context, request: BackupRequest & {safety: boolean}): Promise<BackupReport> {
  const tasks = await preflight(context, request);
  const time = context.clock.now();
  const setId = newSetId(time);
  const state: {current: string} = {current: 'failed'};
  await runHook(context, 'BACKUP_PRE_COMMAND', {TIMETILES_SET: setId});
  try {
    const report = await storeSet(context, request, {setId, time, tasks});
    state.current = report.state;
    return report;
  } catch (error) {
    await clearDeadLocks(context);
    throw error;
  } finally {
    await runPostHook(context, {TIMETILES_SET: setId, TIMETILES_STATE: state.current});
  }
}

interface NamedTask {
  readonly source: Source;
  readonly task: BackupTask;
}

/** Looks at everything that could fail before anything is written. */
async function preflight(context: Context, request: BackupRequest): Promise<NamedTask[]> {
  const inspected = request.sources.map(async (source) => ({source, task: await source.inspect(context, request)}));
  const [tasks] = await Promise.all([Promise.all(inspected), context.resticVersion()]);
  await prepareRepository(context);
  for (const {task} of tasks) for (const warning of task.warnings) context.log.warn(warning);
  return tasks;
}

async function storeSet(
  context: Context,
  request: BackupRequest & {safety: boolean},
  set: {setId: string; time: Date; tasks: readonly NamedTask[]},
): Promise<BackupReport> {
  const {setId, time, tasks} = set;
  const names = tasks.map(({source}) => source.name);
  const tagsFor = (incomplete: boolean) => manifestTags(setId, names, {safety: request.safety, incomplete});
  const records: SourceRecord[] = [];
  // The manifest's restic opens the repository while the last source is stored; that hides most of a second.
  let stream: Promise<SnapshotStream> | undefined;
  const startStream = (incomplete: boolean) => {
    const started = startManifest(context, tagsFor(incomplete));
    started.catch(() => undefined); // It is awaited below, whatever happens in between.
    return started;
  };
  try {
    for (const [index, {source, task}] of tasks.entries()) {
      if (index === tasks.length - 1) stream = startStream(false);
      records.push(await storeSource(context, setId, source, task));
    }
    const unreadable = records.flatMap((record) => record.unreadable);
    const state = unreadable.length === 0 ? 'complete' : 'incomplete';
    if (state === 'incomplete') {
      await (await stream)?.cancel();
      stream = startStream(true);
    }
    if (!stream) throw new Error('a set needs at least one source');
    const manifest = describeSet(context, {setId, time, state, records});
    await commitManifest(context, await stream, manifest);
    const warnings = [...tasks.flatMap(({task}) => task.warnings), ...unreadableWarnings(unreadable)];
    return {state, set: setId, time, records, warnings};
  } finally {
    const started = await stream?.catch(() => undefined);
    await started?.cancel();
  }
}

async function storeSource(context: Context, setId: string, source: Source, task: BackupTask): Promise<SourceRecord> {
  context.log.info(`backing up ${source.name}: ${task.description}`);
  return task.store({
    setId,
    tags: sourceTags(setId, source.name),
    onProgress: (progress) => context.log.progress({label: source.name, ...progress}),
  });
}

function describeSet(context: Context, set: {setId: string; time: Date; state: Manifest['state']; records: SourceRecord[]}): Manifest {
  return {
    format: 1,
    tool: `timetiles ${context.toolVersion}`,
    set: set.setId,
    time: set.time.toISOString(),
    host: hostname(),
    project: context.settings.COMPOSE_PROJECT_NAME,
    state: set.state,
    sources: set.records,
  };
}

function unreadableWarnings(unreadable: readonly string[]): string[] {
  if (unreadable.length === 0) return [];
  const shown = unreadable.slice(0, 5).join(', ');
  return [`${plural(unreadable.length, 'file')} could not be read and ${unreadable.length === 1 ? 'is' : 'are'} not in the set: ${shown}${unreadable.length > 5 ? ', …' : ''}`];
}

/** Runs whatever happened, also after Ctrl-C: the operator may have stopped something before. Its failure is told, and changes nothing. */
async function runPostHook(context: Context, variables: Record<string, string>): Promise<void> {
  try {
    await runHook(uninterruptible(context), 'BACKUP_POST_COMMAND', variables);
  } catch (error) {
    const next = error instanceof TimetilesError ? ` ${error.next}` : '';
    context.log.warn(`${messageOf(error)}.${next}`);
  }
}
