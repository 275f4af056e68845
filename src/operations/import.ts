import {mkdir, stat} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {forgetSnapshots} from '../restic/forget.ts';
import {atTime} from '../restic/handle.ts';
import {exitCodes, messageOf, TimetilesError} from '../shared/errors.ts';
import {refusal} from '../sources/foreign/file.ts';
import type {ImportedFrom, SourceRecord} from '../sources/source.ts';
import {uninterruptible, type Context} from './context.ts';
import {rememberHostName} from './host-names.ts';
import {planImport, type ImportChoice, type ImportPlan, type PlannedFile, type PlannedSet, type RefusedFile} from './import-plan.ts';
import {withStaging} from './import-staging.ts';
import {withRepositoryLock} from './lock.ts';
import {describeSet} from './make-set.ts';
import {commitManifest, startManifest} from './manifest.ts';
import {finishInterruptedRestoreIfIdleOrWarn, finishInterruptedRestoreOrWarn} from './recover.ts';
import {clearDeadLocks, prepareRepository, requireKnownRepository} from './repository.ts';
import {importedTags, manifestTags, readSets, setsByFile} from './sets.ts';

const command = 'timetiles backup import';

export interface ImportRequest extends ImportChoice {
  /** How many top folders of an archive lead to the files; undefined: to be found out. */
  readonly strip: number | undefined;
  /** Where archives are unpacked; undefined: beside this tool's state. */
  readonly staging: string | undefined;
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
  /** Shows the plan; `go` lets it happen. */
  readonly confirm: (plan: ImportPlan) => Promise<'go' | 'stop'>;
}

interface ImportedSet {
  readonly set: string;
  readonly time: Date;
  readonly state: 'complete' | 'incomplete';
  readonly records: readonly SourceRecord[];
}

export interface ImportReport extends Pick<ImportPlan, 'skipped' | 'refused' | 'warnings'> {
  /** Oldest first. */
  readonly sets: readonly ImportedSet[];
  readonly exitCode: number;
}

export type ImportOutcome = ({readonly state: 'done'} & ImportReport) | {readonly state: 'planned'; readonly plan: ImportPlan};

/**
 * Takes backups of other tools into the repository, as sets of the time at which they were made. A file that cannot be
 * taken is told with its reason, and nothing of its set is stored; the others go on.
 * @throws TimetilesError for whatever concerns more than one file; the sets that were stored before it stay
 */
export async function importFiles(context: Context, request: ImportRequest): Promise<ImportOutcome> {
  requireKnownRepository(context);
  await finishInterruptedRestoreIfIdleOrWarn(context);
  const plan = await planImport(context, request);
  const [first] = plan.refused;
  if (plan.sets.length === 0 && first && plan.refused.length === 1 && plan.skipped.length === 0) throw first.error;
  if (plan.sets.length === 0) return {state: 'done', ...plan, sets: [], exitCode: exitCodeOf({sets: [], refused: plan.refused})};
  if ((await request.confirm(plan)) === 'stop') return {state: 'planned', plan};
  const report = await withRepositoryLock(context, command, () => importPlanned(context, plan, request), {wait: request.wait});
  const [failed] = report.refused;
  if (failed && request.files.length === 1) throw failed.error;
  return {state: 'done', ...report, exitCode: exitCodeOf(report)};
}

function exitCodeOf({sets, refused}: Pick<ImportReport, 'sets' | 'refused'>): number {
  if (refused.length > 0) return exitCodes.failed;
  return sets.some(({state}) => state === 'incomplete') ? exitCodes.incomplete : exitCodes.done;
}

async function importPlanned(context: Context, plan: ImportPlan, request: ImportRequest): Promise<Omit<ImportReport, 'exitCode'>> {
  await finishInterruptedRestoreOrWarn(context);
  await context.resticVersion();
  await prepareRepository(context);
  await rememberHostName(context);
  // Another import may have run while the plan was looked at.
  const known = setsByFile(await readSets(context));
  const [sets, refused, skipped] = [[] as ImportedSet[], [...plan.refused], [...plan.skipped]];
  for (const planned of plan.sets) {
    try {
      const outcome = await importSet(context, planned, request, known);
      if ('set' in outcome) sets.push(outcome);
      else skipped.push({path: outcome.path, as: outcome.as});
    } catch (error) {
      if (!(error instanceof TimetilesError) || error.kind !== 'import') throw error;
      context.log.warn(error.message);
      refused.push(...refusedFiles(planned, error));
    }
  }
  return {sets, refused, skipped, warnings: plan.warnings};
}

/** What keeps one file from being taken keeps the others of its set, which would be half of one. */
function refusedFiles({files}: PlannedSet, error: TimetilesError): RefusedFile[] {
  const guilty = files.find(({file}) => error.message.startsWith(`${file.path} `));
  return files.map(({file}) => {
    if (guilty === undefined || file === guilty.file) return {path: file.path, error};
    return {path: file.path, error: refusal(file.path, `belongs to one set with ${basename(guilty.file.path)}, which cannot be taken`, 'Import it alone, or correct the other one first.', error)};
  });
}

/** Makes everything ready first, so that what is wrong with one file is known before another is stored. */
async function importSet(context: Context, planned: PlannedSet, request: ImportRequest, known: ReadonlyMap<string, string>): Promise<ImportedSet | {path: string; as: string}> {
  const {id, time, files} = planned;
  const at: Context = {...context, restic: atTime(context.restic, time)};
  context.log.info(`importing ${files.map(({file}) => file.path).join(' and ')} as set ${id}`);
  return withStaging(context, request.staging, async (staging) => {
    const ready = [];
    for (const planFile of files) {
      const sha256 = await planFile.digest();
      const as = known.get(sha256);
      if (as !== undefined) return {path: planFile.file.path, as};
      const directory = join(staging, planFile.source);
      await mkdir(directory, {mode: 0o700});
      const onProgress = (progress: {bytes?: number; files?: number}) => context.log.progress({label: `unpacking ${basename(planFile.file.path)}`, ...progress});
      ready.push({planFile, sha256, task: await planFile.backup.prepare(context, {directory, strip: request.strip, onProgress})});
    }
    const records: SourceRecord[] = [];
    try {
      for (const {planFile, sha256, task} of ready) {
        const label = basename(planFile.file.path);
        const {record, notes} = await task.store(at, {setId: id, tags: importedTags(id, planFile.source, sha256), onProgress: (progress) => context.log.progress({label, ...progress}), expectedFiles: undefined});
        records.push({...record, imported: originOf(planFile, sha256, notes)});
        for (const note of notes) context.log.info(`${label}: ${note}`);
        await requireUnchanged(planFile);
      }
      return await storeManifest(at, planned, records);
    } catch (error) {
      await takeBack(context, records);
      throw error;
    }
  });
}

function originOf({file, backup}: PlannedFile, sha256: string, notes: readonly string[]): ImportedFrom {
  return {file: basename(file.path), bytes: file.bytes, sha256, kind: backup.kind, notes: [...notes]};
}

/** A script may still be writing it. */
async function requireUnchanged({file}: PlannedFile): Promise<void> {
  const now = await stat(file.path).catch(() => undefined);
  if (now?.size === file.bytes && now.mtime.getTime() === file.modified.getTime()) return;
  throw refusal(file.path, 'has changed while it was read', 'Wait until it is whole, then import it again.');
}

async function storeManifest(at: Context, {id, time}: PlannedSet, records: SourceRecord[]): Promise<ImportedSet> {
  const state = records.every(({unreadable}) => unreadable.length === 0) ? 'complete' : 'incomplete';
  const names = records.map(({source}) => source);
  const stream = await startManifest(at, manifestTags(id, names, {safety: false, suspicious: false, incomplete: state === 'incomplete', imported: true}));
  try {
    await commitManifest(at, stream, {...describeSet(at, {setId: id, time, state, records}), imported: true});
  } finally {
    await stream.cancel();
  }
  return {set: id, time, state, records};
}

/** Half a set helps nobody. What cannot be taken back now goes with a later prune, as what a killed run left. */
async function takeBack(context: Context, records: readonly SourceRecord[]): Promise<void> {
  const steady = uninterruptible(context);
  await clearDeadLocks(steady);
  if (records.length === 0) return;
  await forgetSnapshots(steady.restic, records.map(({snapshot}) => snapshot)).catch((error: unknown) => context.log.warn(`half of a set could not be taken back: ${messageOf(error)}. A later backup prune removes it`));
}
