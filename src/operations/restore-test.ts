import {randomBytes} from 'node:crypto';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatSeconds} from '../shared/format.ts';
import {withoutPassword} from '../shared/redact.ts';
import {sourceByName} from '../sources/registry.ts';
import type {Check, Source, SourceRecord, ThrowawayPlace, UsedImage} from '../sources/source.ts';
import type {Place} from './alert-keys.ts';
import type {Context} from './context.ts';
import {recordEvidence, type Evidence} from './evidence.ts';
import {withRepositoryLock} from './lock.ts';
import {readStoredManifest, type Manifest} from './manifest.ts';
import {isProved, proveRestored, type SourceProof} from './prove.ts';
import {finishInterruptedRestoreOrWarn} from './recover.ts';
import {chooseSet, readSets, requireRepository, type BackupSet, type SetSnapshot} from './sets.ts';
import {throwawayName, withThrowaway, type Throwaway} from './throwaway.ts';
import {watchJob, type Conclusion} from './watch.ts';

export interface RestoreTestOptions {
  /** `latest`, a set's id, or its beginning. */
  readonly wanted: string;
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
}

export interface RestoreTestReport {
  /** Whether the set can be restored, as far as was looked. */
  readonly state: 'passed' | 'failed';
  readonly set: string;
  readonly from: Place;
  readonly repository: string;
  readonly time: Date;
  /** What the database was restored into; null for a set without one. */
  readonly image: UsedImage | null;
  readonly proofs: readonly SourceProof[];
  readonly warnings: readonly string[];
  readonly seconds: number;
}

/** One source of the set, and where it is restored. */
interface Trial {
  readonly source: Source;
  readonly snapshot: SetSnapshot;
  readonly record: SourceRecord | undefined;
  readonly place: ThrowawayPlace;
}

/**
 * Restores a set of the local repository into a throwaway stack, looks through it, and keeps the result as evidence.
 * @throws TimetilesError when the test could not be made; that the set cannot be restored is a result
 */
export async function testRestore(context: Context, options: RestoreTestOptions): Promise<RestoreTestReport> {
  const command = 'timetiles backup verify --restore-test';
  const work = async () => {
    await finishInterruptedRestoreOrWarn(context);
    return testRestoreUnlocked(context, context, 'local', options);
  };
  // A slip of whoever types an id is no run that has failed.
  if (options.wanted !== 'latest') await findSet(context, options.wanted);
  return watchJob(context, {job: 'restore-test', command, conclude: concludeRestoreTest}, async () => {
    requireRepository(context);
    return withRepositoryLock(context, command, work, {wait: options.wait});
  });
}

/** A test that could be made is a run of the job, whatever it found. */
export function concludeRestoreTest({state, set, from, proofs}: RestoreTestReport): Conclusion {
  if (state === 'passed') return {state: 'done', set, message: `set ${set} can be restored`};
  const message = `set ${set}${from === 'offsite' ? ' of the offsite copy' : ''} cannot be restored as it was: ${problemsOf(proofs)[0]}`;
  const copy = from === 'offsite' ? ' --offsite' : '';
  const next = `Look for damage: timetiles backup verify${copy} --read-data. Make a new set (timetiles backup${copy}) and test it: timetiles backup verify${copy} --restore-test`;
  return {state: 'failed', set, message, trouble: {key: from === 'local' ? 'restore-test' : 'restore-test-offsite', kind: 'restore-test', message, next}};
}

/**
 * The same under a lock that is held already.
 * @param from where the set is read: the context itself, or the same on an offsite copy
 */
export async function testRestoreUnlocked(context: Context, from: Context, place: Place, {wanted}: RestoreTestOptions): Promise<RestoreTestReport> {
  try {
    const report = await restoreAndProve(from, place, wanted);
    await recordEvidence(context, toEvidence(context, report));
    return report;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof TimetilesError)) throw error;
    throw new TimetilesError(error.kind, `the restore test could not be made: ${error.message}`, error.next, {cause: error});
  }
}

async function restoreAndProve(context: Context, from: Place, wanted: string): Promise<RestoreTestReport> {
  const begin = Date.now();
  const set = await findSet(context, wanted);
  const report = (image: UsedImage | null, proofs: readonly SourceProof[], more: readonly string[] = []): RestoreTestReport => ({
    state: isProved(proofs) ? 'passed' : 'failed',
    set: set.id,
    from,
    repository: withoutPassword(context.restic.repository),
    time: context.clock.now(),
    image,
    proofs,
    warnings: [...(set.state === 'incomplete' ? [`set ${set.id} is incomplete`] : []), ...more],
    seconds: (Date.now() - begin) / 1000,
  });
  let manifest: Manifest | undefined;
  try {
    // The one in the repository, whatever copies this host has: it is a part of what has to be there.
    manifest = set.manifest === undefined ? undefined : await readStoredManifest(context, set.manifest);
  } catch (error) {
    return report(null, [{source: 'manifest', checks: [failedRestore(context, error)]}]);
  }
  const id = randomBytes(4).toString('hex');
  const trials = await planTrials(context, set.snapshots, manifest, id);
  const places = trials.map((trial) => trial.place);
  const image = places.find((candidate) => candidate.image)?.image ?? null;
  context.log.info(`restoring set ${set.id} of ${withoutPassword(context.restic.repository)} into a throwaway stack${image ? ` from the image ${image.name}` : ''}`);
  const remarks: string[] = [];
  const proofs = await withThrowaway(context, {id, set: set.id, places}, (throwaway) => runTrials(throwaway, trials, manifest, {id, set: set.id, remarks}));
  const unchecked = manifest ? [] : ['the set has no manifest: its row counts, roles and extensions could not be checked'];
  return report(image, proofs, [...(image?.otherThanMade == null ? [] : [image.otherThanMade]), ...unchecked, ...remarks]);
}

/** @throws TimetilesError `not-found`, `ambiguous`, or `usage` for what is one snapshot alone */
async function findSet(context: Context, wanted: string): Promise<BackupSet> {
  const {set, snapshot} = chooseSet(await readSets(context), wanted);
  if (!snapshot) return set;
  throw new TimetilesError('usage', `${wanted} is one snapshot of set ${set.id}, and a restore test is made of whole sets`, `Name the set: timetiles backup verify --restore-test ${set.id}`);
}

async function planTrials(context: Context, snapshots: readonly SetSnapshot[], manifest: Manifest | undefined, id: string): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const snapshot of snapshots) {
    const source = sourceByName(snapshot.source);
    if (!source) throw new TimetilesError('not-found', `this version cannot restore the source ${snapshot.source}`, 'Upgrade timetiles.');
    const record = manifest?.sources.find((candidate) => candidate.source === snapshot.source);
    const isShared = trials.some((trial) => trial.source.kind === source.kind);
    trials.push({source, snapshot, record, place: await source.planThrowaway(context, {record, name: throwawayName(id), isShared})});
  }
  return trials;
}

interface TrialIds {
  readonly id: string;
  readonly set: string;
  /** Takes what came back otherwise than by the ordinary way. */
  readonly remarks: string[];
}

/** One source that cannot be restored does not keep the others from being looked at. */
async function runTrials(throwaway: Throwaway, trials: readonly Trial[], manifest: Manifest | undefined, ids: TrialIds): Promise<SourceProof[]> {
  const restores = new Map<string, Check>();
  for (const trial of trials) restores.set(trial.source.name, await restoreOne(throwaway, trial, ids));
  const restored = trials.filter(({source}) => restores.get(source.name)?.state === 'passed').map(({snapshot}) => snapshot);
  const proofs = await proveRestored(throwaway.there, {snapshots: restored, manifest}, ids.id);
  return [...restores].map(([source, restore]) => ({source, checks: [restore, ...(proofs.find((proof) => proof.source === source)?.checks ?? [])]}));
}

/** By the code of a real restore, swap included. */
async function restoreOne({there, requireRunning}: Throwaway, {source, snapshot, record}: Trial, {id, set, remarks}: TrialIds): Promise<Check> {
  const begin = Date.now();
  there.log.info(`restoring ${source.name} into the throwaway stack`);
  try {
    const step = await source.planRestore(there, {setId: set, snapshot: snapshot.id, record, restoreId: id});
    const made = await step.stage((progress) => there.log.progress({label: `restoring ${source.name}`, ...progress}));
    remarks.push(...made.map((line) => `${source.name}: ${line}`));
    await source.swap(there, step.entry);
    await source.finish(there, step.entry);
    return {name: 'restore', state: 'passed', detail: `restored in ${formatSeconds((Date.now() - begin) / 1000)}`};
  } catch (error) {
    there.signal.throwIfAborted();
    await requireRunning();
    return failedRestore(there, error);
  }
}

/** What the set itself may be guilty of; all else keeps the test from being made. */
const kindsOfTheSet: ReadonlySet<string> = new Set(['restore', 'database', 'dump', 'repository', 'repository-damaged']);
/** Offsite, restic says these of files that are not there or are not what they were; all else may be the network's fault. */
const wordsOfDamage = /does not exist|not found|NoSuchKey|no such file|invalid data|hash|ciphertext|mac|id mismatch|StreamPack|unexpected size|EOF/i;

/** @throws what is not about the set */
function failedRestore(context: Context, error: unknown): Check {
  context.signal.throwIfAborted();
  if (!(error instanceof TimetilesError)) throw error;
  const isDamage = kindsOfTheSet.has(error.kind) || (error.kind === 'offsite' && wordsOfDamage.test(error.message));
  if (!isDamage) throw error;
  return {name: 'restore', state: 'failed', detail: messageOf(error)};
}

/** Every failed check, a line each. */
function problemsOf(proofs: readonly SourceProof[]): string[] {
  return proofs.flatMap(({source, checks}) => checks.filter(({state}) => state === 'failed').map(({name, detail}) => `${source} ${name}: ${detail}`));
}

function toEvidence({toolVersion}: Context, {state, set, from, repository, time, image, proofs, seconds}: RestoreTestReport): Evidence {
  const all = proofs.flatMap(({checks}) => checks);
  const count = (wanted: Check['state']) => all.filter((check) => check.state === wanted).length;
  return {
    set,
    time: time.toISOString(),
    state,
    from,
    repository,
    image,
    tool: toolVersion,
    seconds,
    checks: {passed: count('passed'), failed: count('failed'), skipped: count('skipped')},
    problems: problemsOf(proofs),
  };
}
