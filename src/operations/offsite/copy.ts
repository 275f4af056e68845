import {copySnapshots, initRepositoryLike, unlockStale} from '../../restic/copy.ts';
import type {Snapshot} from '../../restic/messages.ts';
import {listSnapshots} from '../../restic/snapshots.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import type {Context} from '../context.ts';
import {groupSets, isFinished, readSets, toolTag, type BackupSet} from '../sets.ts';
import {readState, updateState} from './state.ts';
import {offsiteRestic, type OffsiteTarget} from './target.ts';

export interface Copied {
  /** Sets that were copied now. */
  readonly sets: number;
  readonly snapshots: number;
}

/**
 * Copies every set that the offsite repository lacks, whole, with restic itself; makes the repository on first use. Call
 * it under the local repository's lock.
 */
export async function copySets(context: Context, target: OffsiteTarget, options: {newRepository: boolean}): Promise<Copied> {
  const destination = offsiteRestic(context, target);
  const there = await withoutStaleLocks(context, target, () => listOrInit(context, target, options.newRepository));
  if (readState(target).repository === undefined) await updateState(target, {repository: context.clock.now().toISOString()});
  const local = await readSets(context);
  const missing = missingSets(local, groupSets(there));
  const snapshots = missing.toReversed().flatMap(idsOf);
  if (snapshots.length === 0) return {sets: 0, snapshots: 0};
  context.log.info(`offsite: copying ${plural(missing.length, 'set')} to ${target.shownUrl}`);
  await withoutStaleLocks(context, target, () =>
    copySnapshots(destination, context.restic, {
      snapshots,
      uploadLimit: context.settings.BACKUP_UPLOAD_LIMIT_KIB,
      onProgress: (progress) => context.log.progress({label: 'offsite, snapshots', ...progress}),
    }),
  );
  return {sets: missing.length, snapshots: snapshots.length};
}

/** The snapshots that are there. */
async function listOrInit(context: Context, target: OffsiteTarget, newRepository: boolean): Promise<Snapshot[]> {
  const destination = offsiteRestic(context, target);
  try {
    return await listSnapshots(destination, toolTag);
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'repository-missing') throw error;
    const {repository: since} = readState(target);
    if (since !== undefined && !newRepository) {
      throw new TimetilesError('repository-missing', `the offsite repository ${target.shownUrl}, in use since ${since.slice(0, 10)}, is not there any more`, 'Find out who removed it, or mount its disk. Only if it is lost for good, start a new one: timetiles backup --offsite --new-repository', {cause: error});
    }
    context.log.info(`making the offsite repository ${target.shownUrl}`);
    await initRepositoryLike(destination, context.restic);
    return [];
  }
}

/** The earlier command line made its offsite snapshot of the same data right after the local one. */
const twinMilliseconds = 6 * 3_600_000;

/** The sets to copy, newest first: the finished ones of which something is not there. Pure. */
export function missingSets(local: readonly BackupSet[], there: readonly BackupSet[]): BackupSet[] {
  const known = new Map(there.map((set) => [set.id, set]));
  return local.filter((set) => {
    if (!isFinished(set)) return false;
    if (set.isEarlier && there.some((other) => isTwin(set, other))) return false;
    const copy = known.get(set.id);
    return copy === undefined || !isFinished(copy) || set.snapshots.some(({source}) => copy.snapshots.every((other) => other.source !== source));
  });
}

/** Whether the earlier command line itself has saved there what it saved here. */
function isTwin(local: BackupSet, other: BackupSet): boolean {
  const sources = ({snapshots}: BackupSet) => snapshots.map(({source}) => source).join();
  return other.isEarlier && other.host === local.host && sources(other) === sources(local) && Math.abs(other.time.getTime() - local.time.getTime()) <= twinMilliseconds;
}

/** The manifest last: until it is there the copy is no set. */
function idsOf(set: BackupSet): string[] {
  return [...set.snapshots.map(({id}) => id), ...(set.manifest === undefined ? [] : [set.manifest])];
}

/** Tries again without stale locks: a killed prune leaves one that would stop every night from then on. */
export async function withoutStaleLocks<Result>(context: Context, target: OffsiteTarget, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'repository-locked') throw error;
    context.log.info('offsite: removing stale locks');
    await unlockStale(offsiteRestic(context, target));
    return work();
  }
}
