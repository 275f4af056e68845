import type {Place} from './alert-keys.ts';
import type {Context} from './context.ts';
import {evidenceBySet, type Evidence} from './evidence.ts';
import {sizesOf, type SnapshotSizes} from './known-sets.ts';
import {offsiteLag, type OffsiteLag} from './offsite/lag.ts';
import {readCachedManifest, readManifest, type Manifest} from './manifest.ts';
import {finishInterruptedRestoreIfIdleOrWarn} from './recover.ts';
import {readSets, type BackupSet, type SetSnapshot} from './sets.ts';

export type ListedSnapshot = SnapshotSizes & Pick<SetSnapshot, 'source' | 'id' | 'time'>;

export interface ListedSet extends Pick<BackupSet, 'id' | 'time' | 'state' | 'isSafety' | 'isSuspicious' | 'isImported' | 'isEarlier'> {
  /** Why it is suspicious; also empty where only the repository could tell, at a high price. */
  readonly suspicions: readonly string[];
  /** The last restore test of this copy of the set; null when there was none. */
  readonly restoreTest: Evidence | null;
  readonly snapshots: readonly ListedSnapshot[];
}

/** Reading a manifest from the repository costs most of a second; no more than this many are read for one listing. */
const manifestsToRead = 10;

/** The local sets, and how far the offsite copy is behind them. */
export interface LocalListing {
  readonly sets: ListedSet[];
  /** Undefined where no offsite copy is configured. */
  readonly lag: OffsiteLag | undefined;
}

/**
 * Lists the sets, newest first. Sizes come from the snapshots themselves (restic 0.17 and newer), else from this
 * host's copies of the manifests, else, for the newest sets, from the repository.
 */
export async function listSets(context: Context): Promise<LocalListing> {
  await finishInterruptedRestoreIfIdleOrWarn(context);
  const sets = await readSets(context);
  return {sets: await describeSets(context, sets, 'local'), lag: offsiteLag(context, sets)};
}

/** Adds what a listing shows to sets of the context's repository. */
export async function describeSets(context: Context, sets: readonly BackupSet[], place: Place): Promise<ListedSet[]> {
  const evidence = evidenceBySet(context, place);
  let readsLeft = manifestsToRead;
  const listed: ListedSet[] = [];
  for (const set of sets) {
    const lacksSizes = set.snapshots.some(({snapshot}) => snapshot.summary === undefined);
    let manifest: Manifest | undefined;
    if ((lacksSizes || set.isSuspicious) && set.manifest !== undefined) {
      manifest = readCachedManifest(context, set.manifest);
      if (!manifest && readsLeft > 0) {
        readsLeft -= 1;
        manifest = await readManifest(context, set.manifest);
      }
    }
    listed.push(toListed(set, manifest, evidence.get(set.id) ?? null));
  }
  return listed;
}

function toListed(set: BackupSet, manifest: Manifest | undefined, restoreTest: Evidence | null): ListedSet {
  const {id, time, state, isSafety, isSuspicious, isImported, isEarlier} = set;
  return {id, time, state, isSafety, isSuspicious, isImported, isEarlier, suspicions: manifest?.suspicions ?? [], restoreTest, snapshots: set.snapshots.map((snapshot) => toListedSnapshot(snapshot, manifest))};
}

function toListedSnapshot(snapshot: SetSnapshot, manifest: Manifest | undefined): ListedSnapshot {
  const {source, id, time} = snapshot;
  return {source, id, time, ...sizesOf(snapshot, manifest)};
}
