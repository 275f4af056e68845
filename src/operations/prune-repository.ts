import type {Settings} from '../config/settings.ts';
import {estimateFreed, forgetAndPrune} from '../restic/forget.ts';
import {repositoryBytes, repositoryExists, repositoryFiles} from '../restic/handle.ts';
import {removeDeadLocks} from '../restic/locks.ts';
import {TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import type {Context} from './context.ts';
import {readHostNames} from './host-names.ts';
import {dropCachedManifest} from './manifest.ts';
import {clearDeadLocks} from './repository.ts';
import {reasonToHold} from './prune-hold.ts';
import {planRetention, type RetentionPlan} from './retention.ts';
import type {RetentionPolicy} from './retention-rules.ts';
import {readRunRecords} from './run-records.ts';
import {rememberSetNames} from './set-names.ts';
import {readSets, type BackupSet} from './sets.ts';

export interface PruneOptions {
  /** Say what would go, and change nothing. */
  readonly dryRun: boolean;
  /** Remove sets although the newest one is suspicious. */
  readonly force: boolean;
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
}

/** What is special about a repository that others can add to: their sets must displace none of this host's. */
export interface SharedRepository {
  /** Ids of the sets that this host knows as its own. */
  readonly ownSets: ReadonlySet<string>;
  /** Why nothing may go, as judged by the local repository. */
  readonly hold: string | undefined;
}

export interface PruneReport extends RetentionPlan {
  readonly dryRun: boolean;
  /** By how much the repository's files shrank, or for a dry run how much restic would remove; null where that is not known. */
  readonly freedBytes: number | null;
}

/**
 * The same as `pruneSets` under a lock that is held already, for any repository: `{...context, restic}`.
 * Snapshots go first and data last, so that a kill at any moment leaves a valid repository; the next prune removes the rest.
 */
export async function pruneUnlocked(context: Context, {dryRun, force}: PruneOptions, shared?: SharedRepository): Promise<PruneReport> {
  const policy = policyOf(context, shared ? 'within' : 'counts');
  const sets = await readReadableSets(context);
  const hostNames = readHostNames(context);
  const plan = planRetention(sets, policy, {
    now: context.clock.now(),
    hostNames,
    ownSets: shared?.ownSets,
    restoreTested: readRunRecords(context)[shared ? 'restore-test-offsite' : 'restore-test']?.lastGood?.set ?? undefined,
    hold: force ? undefined : shared ? shared.hold : await reasonToHold(context, sets, hostNames),
  });
  if (plan.held !== null) return {dryRun, ...plan, freedBytes: null};
  const removed = plan.removed.map(({set}) => set);
  if (dryRun) return {dryRun, ...plan, freedBytes: await estimateFreed(context.restic, removed.flatMap(snapshotsOf))};
  const locks = await removeDeadLocks(context.restic);
  for (const lock of locks) context.log.info(`removed from the repository: ${lock}`);
  const before = repositoryBytes(context.restic);
  await removeSets(context, removed);
  await rememberSetNames(context, plan.kept.map(({set}) => set));
  const after = repositoryBytes(context.restic);
  return {dryRun, ...plan, freedBytes: before === null || after === null ? null : Math.max(0, before - after)};
}

function countsOf(settings: Settings): Omit<RetentionPolicy, 'mode'> {
  return {
    last: settings.BACKUP_KEEP_LAST,
    daily: settings.BACKUP_KEEP_DAILY,
    weekly: settings.BACKUP_KEEP_WEEKLY,
    monthly: settings.BACKUP_KEEP_MONTHLY,
    yearly: settings.BACKUP_KEEP_YEARLY,
  };
}

/** Whether any rule keeps more than the newest set. */
export function hasRules(settings: Settings): boolean {
  return Object.values(countsOf(settings)).some((count) => count > 0);
}

/** @throws TimetilesError `configuration` when nothing but the newest set would be kept */
export function policyOf({settings}: Context, mode: RetentionPolicy['mode']): RetentionPolicy {
  if (hasRules(settings)) return {mode, ...countsOf(settings)};
  throw new TimetilesError(
    'configuration',
    'BACKUP_KEEP_LAST, BACKUP_KEEP_DAILY, BACKUP_KEEP_WEEKLY, BACKUP_KEEP_MONTHLY and BACKUP_KEEP_YEARLY are all 0: every set but the newest would be removed',
    'Set at least one of them, such as BACKUP_KEEP_DAILY="7".',
  );
}

/** A set that lacks a damaged snapshot looks like one of a dead run: nothing may be removed on such evidence. */
async function readReadableSets(context: Context): Promise<BackupSet[]> {
  const unreadable: string[] = [];
  const sets = await readSets(context, (line) => unreadable.push(line));
  if (unreadable.length === 0) return sets;
  throw new TimetilesError(
    'repository',
    `${plural(unreadable.length, 'snapshot')} of the repository ${context.restic.repository} cannot be read (${unreadable[0]}); nothing was removed`,
    'See what is damaged and how to repair it: timetiles backup verify',
  );
}

/** The ids of a set's snapshots, the manifest's last. */
function snapshotsOf(set: BackupSet): string[] {
  return [...set.snapshots.map(({id}) => id), ...(set.manifest === undefined ? [] : [set.manifest])];
}

async function removeSets(context: Context, sets: readonly BackupSet[]): Promise<void> {
  const ids = sets.flatMap(snapshotsOf);
  context.log.info(sets.length === 0 ? 'no set is to go; removing data that nothing refers to' : `removing ${plural(sets.length, 'set')} and the data that only they refer to`);
  for (const {manifest} of sets) if (manifest !== undefined) await dropCachedManifest(context, manifest);
  try {
    await forgetAndPrune(context.restic, ids, (progress) => context.log.progress({label: 'pruning', ...progress}));
  } catch (error) {
    await clearDeadLocks(context);
    throw error;
  }
  requireGone(context, ids);
}

/** restic before 0.17 ends well although a snapshot's file could not be removed. */
function requireGone(context: Context, ids: readonly string[]): void {
  if (!repositoryExists(context.restic)) return;
  const present = new Set(repositoryFiles(context.restic, 'snapshots'));
  const left = ids.filter((id) => present.has(id));
  if (left.length === 0) return;
  throw new TimetilesError(
    'repository',
    `${plural(left.length, 'snapshot')} could not be removed from ${context.restic.repository}: ${left.slice(0, 5).map((id) => id.slice(0, 8)).join(', ')}`,
    'See whether the files in its snapshots directory may be removed (ls -l, lsattr), then run the command again.',
  );
}
