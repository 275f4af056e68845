import type {Container} from '../docker/containers.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {sourceByName} from '../sources/registry.ts';
import {requireRoom} from '../sources/room.ts';
import type {RestoreStep, Source} from '../sources/source.ts';
import {containersToStop} from './app.ts';
import type {Context} from './context.ts';
import {meansDamage} from './damage-kinds.ts';
import {newRestoreId} from './leftovers.ts';
import {readManifest, type Manifest} from './manifest.ts';
import {chooseSet, isWholeBackup, readSets, type BackupSet, type SetSnapshot} from './sets.ts';
import {suspicionOf} from './suspicion.ts';

/** What the operator asks for on the command line. */
export interface RestoreChoice {
  /** `latest`, a set's or a snapshot's id, or its beginning. */
  readonly wanted: string;
  readonly only: string | undefined;
  /** Takes what goes wrong with one source, by its name; that source is then left out. Without it, it ends the restore. */
  readonly failures?: Map<string, unknown>;
  /** Restore what is intact. */
  readonly bestEffort?: boolean | undefined;
}

export interface PlannedStep {
  readonly source: Source;
  readonly snapshot: SetSnapshot;
  readonly step: RestoreStep;
}

/** A restore in place that was checked and touches nothing yet. */
export interface RestorePlan {
  readonly restoreId: string;
  readonly set: BackupSet;
  readonly steps: readonly PlannedStep[];
  readonly stop: readonly Container[];
  readonly warnings: string[];
}

export interface SelectedSet {
  readonly set: BackupSet;
  readonly snapshots: readonly SetSnapshot[];
  readonly manifest: Manifest | undefined;
  readonly warnings: readonly string[];
}

/**
 * Finds the set and the snapshots of it that are to be restored.
 * @throws TimetilesError `not-found` or `ambiguous`
 */
export async function selectSnapshots(context: Context, choice: RestoreChoice): Promise<SelectedSet> {
  const sets = await readSets(context);
  const {set, snapshot} = chooseSet(sets, choice.wanted, choice.only);
  const snapshots = (snapshot ? [snapshot] : set.snapshots).filter(({source}) => choice.only === undefined || source === choice.only);
  if (snapshots.length === 0) {
    const has = set.snapshots.map(({source}) => source).join(', ') || 'nothing';
    throw new TimetilesError('not-found', `set ${set.id} has no ${choice.only ?? 'snapshots'}; it has: ${has}`, 'Choose another set: timetiles backup list');
  }
  const warnings: string[] = [];
  if (set.state === 'incomplete') warnings.push(`set ${set.id} is incomplete`);
  if (set.isSuspicious) warnings.push(suspicionWarning(sets, set, await suspicionOf(context, set)));
  const newer = sets.find((other) => other.id > set.id && other.state === 'incomplete' && other.manifest !== undefined && !other.isSafety);
  if (choice.wanted === 'latest' && newer) warnings.push(`set ${newer.id} is newer, but some of its files could not be read; restore it by its id if you want it`);
  const manifest = set.manifest === undefined ? undefined : await readManifest(context, set.manifest).catch((error: unknown) => {
    if (choice.bestEffort !== true || !meansDamage(error)) throw error;
    warnings.push(`the manifest of set ${set.id} cannot be read: ${error.message}`);
    return undefined;
  });
  return {set, snapshots, manifest, warnings};
}

/** Whoever restores after a loss must not bring the loss back. */
function suspicionWarning(sets: readonly BackupSet[], suspicious: BackupSet, suspicions: readonly string[]): string {
  const sound = sets.find((set) => set.id < suspicious.id && isWholeBackup(set) && !set.isSuspicious);
  return `set ${suspicious.id} is suspicious (${suspicions.join('; ')})${sound ? `; the newest one before it that is not: ${sound.id}` : ''}`;
}

/**
 * Checks a restore against the running stack.
 * @throws TimetilesError when it cannot work: an older server, a missing extension, no room
 */
export async function planRestore(context: Context, choice: RestoreChoice): Promise<RestorePlan> {
  const selected = await selectSnapshots(context, choice);
  const restoreId = newRestoreId(context);
  const steps: PlannedStep[] = [];
  for (const snapshot of selected.snapshots) {
    const source = sourceByName(snapshot.source);
    if (!source) throw new TimetilesError('not-found', `this version cannot restore the source ${snapshot.source}`, 'Upgrade timetiles, or choose sources with --only.');
    const record = selected.manifest?.sources.find((candidate) => candidate.source === snapshot.source);
    const request = {setId: selected.set.id, snapshot: snapshot.id, record, restoreId};
    const step = await unlessFailed(context, choice.failures, source.name, () => source.planRestore(context, request));
    if (step) steps.push({source, snapshot, step});
  }
  requireSome(steps, choice.failures);
  requireOwnTargets(steps);
  await requireRoomFor(steps);
  const stop = await containersToStop(context, steps.flatMap(({step}) => step.mustStop));
  return {restoreId, set: selected.set, steps, stop, warnings: [...selected.warnings, ...steps.flatMap(({step}) => step.warnings)]};
}

/** The first of two that replace the same would be lost. */
function requireOwnTargets(steps: readonly PlannedStep[]): void {
  for (const [index, {source, step}] of steps.entries()) {
    const other = steps.slice(index + 1).find((candidate) => candidate.step.target === step.target);
    if (!other) continue;
    const names = `${source.name} and ${other.source.name}`;
    throw new TimetilesError('configuration', `${names} of this set would both be restored into ${step.target}`, `Let DB_NAME name all of the set's databases, or restore one of the two alone: timetiles restore SET --only ${other.source.name}`);
  }
}

/**
 * Looks whether all of it fits, as the disks are now: what the sources bring in beside the live data may share one.
 * @throws TimetilesError `no-room`
 */
export async function requireRoomFor(steps: readonly PlannedStep[]): Promise<void> {
  const needs = await Promise.all(steps.map(({step}) => step.room()));
  requireRoom(needs.flat());
}

/**
 * Does a part of the work that concerns one source alone. Where failures are collected, one is told, kept, and answered
 * with undefined; Ctrl-C is none.
 */
export async function unlessFailed<Result>(context: Context, failures: Map<string, unknown> | undefined, source: string, work: () => Promise<Result>): Promise<Result | undefined> {
  if (failures?.has(source)) return undefined;
  try {
    return await work();
  } catch (error) {
    if (!failures || context.signal.aborted) throw error;
    context.log.warn(`${source} cannot be restored: ${messageOf(error)}. Going on with the rest`);
    failures.set(source, error);
    return undefined;
  }
}

/** When every source failed, the first failure is the one to tell. */
export function requireSome(steps: readonly PlannedStep[], failures: ReadonlyMap<string, unknown> | undefined): void {
  const [first] = failures?.values() ?? [];
  if (steps.length === 0 && first !== undefined) throw first;
}

/** The plan in words, for the operator to confirm. Pure. */
export function describePlan(plan: RestorePlan, safetyBackup: boolean): string[] {
  const covered = plan.steps.map(({source}) => source.name);
  const lines = plan.steps.flatMap(({source, snapshot, step}) => [
    `${source.name}  (snapshot ${snapshot.id.slice(0, 8)})`,
    ...step.plan.map((line) => `    ${line}`),
  ]);
  const live = plan.steps.filter(({step}) => step.hasLiveData).map(({source}) => source.name);
  return [
    `set ${plan.set.id} of ${plan.set.time.toISOString()} replaces ${covered.join(' and ')}:`,
    ...lines,
    safetyBackup && live.length > 0 ? `before that, the present state of ${live.join(' and ')} is saved as a set of its own` : 'the present state is NOT saved first',
    plan.stop.length === 0 ? 'no container has to be stopped' : `stopped meanwhile: ${plan.stop.map((container) => container.name).join(', ')}`,
  ];
}
