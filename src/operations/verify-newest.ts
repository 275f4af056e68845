import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatAge, plural} from '../shared/format.ts';
import type {Context} from './context.ts';
import {readStoredManifest, type Manifest} from './manifest.ts';
import {isWholeBackup, readSets, type BackupSet, type SetSnapshot} from './sets.ts';

/** What a look at the newest complete set came to. */
export interface NewestSet {
  /** How many sets there are; null when they could not be listed. */
  readonly sets: number | null;
  readonly set: BackupSet | undefined;
  /** In seconds; null without a set. */
  readonly age: number | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the manifest of the newest complete set that has one from the repository and compares it with every snapshot that it names. */
export async function checkNewestSet(context: Context, isDamaged: boolean): Promise<NewestSet> {
  let sets: BackupSet[] | undefined;
  let set: BackupSet | undefined;
  const report = (problems: readonly string[], warnings: readonly string[] = []): NewestSet => ({sets: sets?.length ?? null, set, age: set ? ageOf(context, set) : null, problems, warnings});
  try {
    sets = await readSets(context);
    set = sets.find((candidate) => isWholeBackup(candidate) && !candidate.isEarlier) ?? sets.find(isWholeBackup);
    if (set?.isEarlier === true) return report([], [`the newest set ${set.id} was made by the earlier command line of TimeTiles: it has no manifest to compare it with`, ...staleness(context, set)]);
    if (set?.manifest === undefined) return report([], [sets.length === 0 ? 'the repository has no sets yet' : `none of the ${plural(sets.length, 'set')} is complete`]);
    return report(alteredSnapshots(set, await readStoredManifest(context, set.manifest)), staleness(context, set));
  } catch (error) {
    // In a damaged repository this may fail in any way; in a sound one only the manifest itself can be the cause.
    if (!(error instanceof TimetilesError) || (error.kind !== 'repository' && !(isDamaged && error.kind.startsWith('repository-')))) throw error;
    return report(isDamaged && sets === undefined ? [] : [messageOf(error)]);
  }
}

function ageOf(context: Context, set: BackupSet): number {
  return Math.round((context.clock.now().getTime() - set.time.getTime()) / 1000);
}

/** No damage, and `backup status` is what fails for it: here it is only told. */
function staleness(context: Context, set: BackupSet): string[] {
  const hours = context.settings.BACKUP_MAX_AGE_HOURS;
  if (ageOf(context, set) <= hours * 3600) return [];
  return [`the newest complete set was made ${formatAge(set.time, context.clock.now())}, and none should be older than ${plural(hours, 'hour')} (BACKUP_MAX_AGE_HOURS)`];
}

/**
 * What differs between a set and its manifest. restic writes sizes into its snapshots from 0.17 on; a snapshot of other
 * data than its record tells of is not the same. Pure.
 */
export function alteredSnapshots(set: BackupSet, manifest: Pick<Manifest, 'sources'>): string[] {
  return manifest.sources.flatMap(({source, snapshot: id, bytes}) => {
    const present = set.snapshots.find((candidate) => isSnapshot(candidate, id));
    if (!present) return [`set ${set.id} is without its snapshot ${id.slice(0, 8)} of ${source}, or that was altered`];
    const stored = present.snapshot.summary?.total_bytes_processed;
    // For an empty directory a note is stored in its place.
    return stored === undefined || stored === bytes || bytes === 0 ? [] : [`snapshot ${id.slice(0, 8)} of ${source} in set ${set.id} has ${plural(stored, 'byte')}, and its manifest tells of ${bytes}`];
  });
}

/** `restic copy` gives snapshots new ids and notes the old ones; `restic repair` does so too, for snapshots that have lost files. */
export function isSnapshot({snapshot}: SetSnapshot, id: string): boolean {
  return snapshot.id === id || (snapshot.original === id && !snapshot.tags.includes('repaired'));
}
