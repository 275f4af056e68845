import {repositoryFiles} from '../restic/handle.ts';
import {timeOfSetId} from '../shared/set-id.ts';
import type {Context} from './context.ts';
import {readCachedManifest, readCachedManifests, type Manifest} from './manifest.ts';
import {groupSets, isFinished, readSnapshots, type BackupSet, type SetSnapshot} from './sets.ts';
import {readToldSnapshots, rememberToldSnapshots} from './told-snapshots.ts';

/** As much of a set as tells which ones are complete. */
export interface SetState {
  readonly id: string;
  readonly state: 'complete' | 'incomplete';
}

/** Null where neither the snapshot (restic before 0.17) nor the manifest at hand tells. */
export interface SnapshotSizes {
  readonly bytes: number | null;
  /** What it added to the repository, in bytes. */
  readonly added: number | null;
}

interface KnownSource extends SnapshotSizes {
  readonly source: string;
  /** What the operator was told of it when it was stored: what a restore could not bring back, or what it does not cover. */
  readonly notes: readonly string[];
}

/** A set with what its manifest says of its size. */
export interface KnownSet extends SetState {
  readonly time: Date;
  readonly host: string;
  /** Its run came to its end; some files may not have been readable. */
  readonly isFinished: boolean;
  /** Made by a restore, of the state before it. */
  readonly isSafety: boolean;
  /** Made from files of other tools. */
  readonly isImported: boolean;
  /** Made by TimeTiles' earlier command line. */
  readonly isEarlier: boolean;
  /** What it has much less of than the sets before it, a line each. */
  readonly suspicions: readonly string[];
  readonly sources: readonly KnownSource[];
}

/**
 * The sets of the local repository, newest first: from this host's copies of the manifests, and from what restic once told of the snapshots
 * that none of these accounts for. Only a snapshot that neither knows makes restic be asked, whose answer costs half a second.
 */
export async function readKnownSets(context: Context): Promise<KnownSet[]> {
  const {known, unexplained} = fromCopies(context);
  if (unexplained.size === 0) return known;
  const told = readToldSnapshots(context, unexplained);
  if (told) {
    const ids = new Set(known.map(({id}) => id));
    const others = groupSets(told).filter(({id}) => !ids.has(id));
    return newestFirst([...known, ...others.map((set) => fromSet(context, set))]);
  }
  let isWhole = true;
  const {snapshots, sets} = await readSnapshots(context, () => (isWhole = false));
  // A damaged one may be repaired, and has its name again.
  if (isWhole) await rememberToldSnapshots(context, unexplained, snapshots);
  return sets.map((set) => fromSet(context, set));
}

function newestFirst(sets: readonly KnownSet[]): KnownSet[] {
  return sets.toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

/** What the copies of the manifests tell, and the snapshots that they do not account for. */
function fromCopies(context: Context): {known: KnownSet[]; unexplained: ReadonlySet<string>} {
  const present = new Set(repositoryFiles(context.restic, 'snapshots'));
  const unexplained = new Set(present);
  const known: KnownSet[] = [];
  for (const [id, manifest] of readCachedManifests(context, present)) {
    const members = manifest.sources.map(({snapshot}) => snapshot);
    for (const member of [id, ...members]) unexplained.delete(member);
    const isComplete = manifest.state === 'complete' && members.every((member) => present.has(member));
    known.push({
      id: manifest.set,
      time: timeOfSetId(manifest.set) ?? new Date(manifest.time),
      state: isComplete ? 'complete' : 'incomplete',
      host: manifest.host,
      isFinished: true,
      isSafety: manifest.beforeRestore ?? false,
      isImported: manifest.imported ?? false,
      isEarlier: false,
      suspicions: manifest.suspicions ?? [],
      sources: sourcesOf(manifest),
    });
  }
  return {known: newestFirst(known), unexplained};
}

function sourcesOf(manifest: Manifest): KnownSource[] {
  return manifest.sources.map(({source, bytes, added, notes}) => ({source, bytes, added, notes: notes ?? []}));
}

function fromSet(context: Context, set: BackupSet): KnownSet {
  const manifest = set.manifest === undefined ? undefined : readCachedManifest(context, set.manifest);
  const sources = set.snapshots.map((snapshot) => {
    const notes = manifest?.sources.find(({source}) => source === snapshot.source)?.notes ?? [];
    return {source: snapshot.source, notes, ...sizesOf(snapshot, manifest)};
  });
  const {id, time, state, host, isSafety, isImported, isEarlier} = set;
  return {id, time, state, host, isFinished: isFinished(set), isSafety, isImported, isEarlier, suspicions: set.isSuspicious ? (manifest?.suspicions ?? ['its manifest tells of what']) : [], sources};
}

/** The sizes of a snapshot: restic's own words, else those of its set's manifest. */
export function sizesOf({source, snapshot: {summary}}: SetSnapshot, manifest: Manifest | undefined): SnapshotSizes {
  const record = manifest?.sources.find((candidate) => candidate.source === source);
  return {
    bytes: summary?.total_bytes_processed ?? record?.bytes ?? null,
    added: summary?.data_added_packed ?? summary?.data_added ?? record?.added ?? null,
  };
}
