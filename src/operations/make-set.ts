import {hostname} from 'node:os';
import type {SnapshotStream} from '../restic/backup.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {newSetId} from '../shared/set-id.ts';
import type {BackupTask, ExpectedFiles, Source, SourceRecord, StoredSource} from '../sources/source.ts';
import {newestRecord} from './choose-sources.ts';
import {uninterruptible, type Context} from './context.ts';
import {checkExpectedFiles, missingFilesWarnings, openPathList, type PathList} from './expected-files.ts';
import {runHook} from './hooks.ts';
import {rememberHostName} from './host-names.ts';
import {commitManifest, startManifest, type Manifest, type MissingFiles} from './manifest.ts';
import {newNotes} from './notes.ts';
import {clearDeadLocks, prepareRepository} from './repository.ts';
import {manifestTags, sourceTags} from './sets.ts';
import {collectStackHints} from './stack-hints.ts';
import {judgeSet} from './suspicion.ts';

export interface BackupRequest {
  readonly sources: readonly Source[];
  /** Accept an uploads directory that has become empty or that nothing mounts. */
  readonly allowEmpty: boolean;
  /** Make a new repository although a known one is gone. */
  readonly newRepository: boolean;
  /** What this set has less of than earlier ones is right; see suspicion.ts. */
  readonly acceptSmaller: boolean;
  /** For the lock's note, such as `timetiles backup`. */
  readonly command: string;
  /** Why the data may not be what it should be, known before it is read: the set is then suspicious, whatever is accepted. */
  readonly doubts?: readonly string[];
}

export interface BackupReport {
  readonly state: 'complete' | 'incomplete';
  readonly set: string;
  readonly time: Date;
  readonly records: readonly SourceRecord[];
  /** What the set has much less of than those before it, a line each. */
  readonly suspicions: readonly string[];
  /** Undefined when nobody wanted to know. */
  readonly missingFiles: MissingFiles | undefined;
  readonly warnings: readonly string[];
  /** What a restore could not bring back, as far as the set before this one did not have it. */
  readonly notes: readonly string[];
}

interface SetRequest extends BackupRequest {
  /** The manifests of the sets before; see suspicion.ts. */
  readonly earlier: readonly Manifest[];
  /** A restore's safety set; it must not wait for checks of the state that is replaced. */
  readonly safety: boolean;
}

/** Makes one set under a lock that is held already: an ordinary backup, or a restore's safety set. */
export async function makeSet(context: Context, request: SetRequest): Promise<BackupReport> {
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
async function preflight(context: Context, request: SetRequest): Promise<NamedTask[]> {
  const {allowEmpty, earlier} = request;
  const inspected = request.sources.map(async (source) => ({source, task: await source.inspect(context, {allowEmpty, earlier: newestRecord(source.name, earlier)})}));
  const [tasks] = await Promise.all([Promise.all(inspected), context.resticVersion()]);
  await prepareRepository(context);
  await rememberHostName(context);
  for (const {task} of tasks) for (const warning of task.warnings) context.log.warn(warning);
  return tasks;
}

async function storeSet(
  context: Context,
  request: SetRequest,
  set: {setId: string; time: Date; tasks: readonly NamedTask[]},
): Promise<BackupReport> {
  const {setId, time, tasks} = set;
  const names = tasks.map(({source}) => source.name);
  const startStream = (marks: {incomplete: boolean; suspicious: boolean}) => {
    const started = startManifest(context, manifestTags(setId, names, {safety: request.safety, ...marks}));
    started.catch(() => undefined); // It is awaited below, whatever happens in between.
    return started;
  };
  const hints = collectStackHints(context);
  const notes = request.safety ? [] : newNotes(tasks, request.earlier);
  for (const note of notes) context.log.warn(note);
  const paths = await wantedPathList(context, request);
  const made: StoredSource[] = [];
  // The manifest's restic opens the repository while the last source is stored; that hides most of a second.
  let stream: Promise<SnapshotStream> | undefined;
  try {
    for (const [index, {source, task}] of tasks.entries()) {
      if (index === tasks.length - 1) stream = startStream({incomplete: false, suspicious: false});
      made.push({source, record: await storeSource(context, setId, {source, task}, paths)});
    }
    const records = made.map(({record}) => record);
    const unreadable = records.flatMap((record) => record.unreadable);
    const state = unreadable.length === 0 ? 'complete' : 'incomplete';
    const missingFiles = paths && (await checkExpectedFiles(context, paths, made));
    const {suspicions, accepted} = judge(context, request, made);
    if (state === 'incomplete' || suspicions.length > 0) {
      await (await stream)?.cancel();
      stream = startStream({incomplete: state === 'incomplete', suspicious: suspicions.length > 0});
    }
    if (!stream) throw new Error('a set needs at least one source');
    const stack = await hints;
    await commitManifest(context, await stream, {
      ...describeSet(context, {setId, time, state, records}),
      ...(stack && {stack}),
      ...(request.safety && {beforeRestore: true}),
      ...(suspicions.length > 0 && {suspicions}),
      ...(accepted.length > 0 && {accepted: true}),
      ...(missingFiles && {missingFiles}),
    });
    const warnings = [
      ...tasks.flatMap(({task}) => task.warnings),
      ...unreadableWarnings(unreadable),
      ...suspicions.map((line) => `suspicious: ${line}. ${request.doubts?.includes(line) === true ? 'Finish that restore (timetiles doctor), then make another set' : 'Look at the data; if this is right: timetiles backup --accept-smaller'}`),
      ...missingFilesWarnings(missingFiles),
    ];
    return {state, set: setId, time, records, suspicions, missingFiles, warnings, notes};
  } finally {
    await paths?.close();
    const started = await stream?.catch(() => undefined);
    await started?.cancel();
  }
}

/** A restore must not wait for such checks of the state that it replaces. */
async function wantedPathList(context: Context, request: SetRequest): Promise<PathList | undefined> {
  const isWanted = !request.safety && context.settings.BACKUP_FILES_QUERY !== undefined && request.sources.some((source) => source.findMissing !== undefined);
  return isWanted ? openPathList(context.stateDirectory) : undefined;
}

function judge(context: Context, request: SetRequest, made: readonly StoredSource[]) {
  const raised = request.safety ? [] : judgeSet(context, made, request.earlier);
  const doubts = request.doubts ?? [];
  if (!request.acceptSmaller) return {suspicions: [...doubts, ...raised], accepted: []};
  for (const line of raised) context.log.info(`accepted: ${line}`);
  return {suspicions: [...doubts], accepted: raised};
}

async function storeSource(context: Context, setId: string, {source, task}: NamedTask, expectedFiles: ExpectedFiles | undefined): Promise<SourceRecord> {
  context.log.info(`backing up ${source.name}: ${task.description}`);
  const record = await task.store({
    setId,
    tags: sourceTags(setId, source.name),
    onProgress: (progress) => context.log.progress({label: source.name, ...progress}),
    expectedFiles,
  });
  return task.notes.length === 0 ? record : {...record, notes: [...task.notes]};
}

/** What every manifest begins with. */
export function describeSet(context: Context, set: {setId: string; time: Date; state: Manifest['state']; records: SourceRecord[]}): Manifest {
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
