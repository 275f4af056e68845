import {isLocal, repositoryExists} from '../restic/handle.ts';
import type {Snapshot} from '../restic/messages.ts';
import {listSnapshots} from '../restic/snapshots.ts';
import {TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {timeOfSetId} from '../shared/set-id.ts';
import type {Context} from './context.ts';
import {groupEarlierRuns, type EarlierRun} from './earlier-runs.ts';
import {rememberSetNames} from './set-names.ts';

/** The tag of every snapshot of this tool. */
export const toolTag = 'timetiles';
const manifestTag = 'manifest';
/** On the manifest of a set some of whose files could not be read. */
const incompleteTag = 'incomplete';
/** On the manifest of a set that a restore made of the state before it. */
const safetyTag = 'before-restore';
/** On the manifest of a set that has much less than those before it; see suspicion.ts. */
const suspiciousTag = 'suspicious';
/** On the manifest of a set that was made from files of other tools. */
const importedTag = 'imported';
/** In front of what tells the file that a snapshot was made from. */
const fromPrefix = 'from:';

export interface SetSnapshot {
  readonly source: string;
  readonly id: string;
  readonly time: Date;
  readonly snapshot: Snapshot;
}

export interface BackupSet {
  readonly id: string;
  readonly time: Date;
  readonly state: 'complete' | 'incomplete';
  /** Made by a restore, of the state before it; never `latest`. */
  readonly isSafety: boolean;
  /** It has much less than the sets before it, and nobody has accepted that. */
  readonly isSuspicious: boolean;
  /** Made from files of other tools, with their time; it says nothing of whether backups are made. */
  readonly isImported: boolean;
  /** Made by TimeTiles' earlier command line, which knew neither sets nor manifests. */
  readonly isEarlier: boolean;
  /** The host that made it, as its manifest's snapshot says, or its first. */
  readonly host: string;
  /** Id of the manifest's snapshot; undefined when the run did not come so far. */
  readonly manifest: string | undefined;
  readonly snapshots: readonly SetSnapshot[];
}

export interface SetMarks {
  readonly safety: boolean;
  readonly incomplete: boolean;
  readonly suspicious: boolean;
  readonly imported?: boolean;
}

export function sourceTags(setId: string, source: string): string[] {
  return [toolTag, `set:${setId}`, source];
}

/** The tags of a snapshot that was made from a file, so that the file is known when it comes again. */
export function importedTags(setId: string, source: string, sha256: string): string[] {
  return [...sourceTags(setId, source), `${fromPrefix}${sha256}`];
}

/** The finished sets that files were imported into, by the digest of the file. */
export function setsByFile(sets: readonly BackupSet[]): Map<string, string> {
  const finished = sets.filter(({manifest}) => manifest !== undefined);
  return new Map(finished.flatMap((set) => set.snapshots.flatMap(({snapshot}) => {
    const sha256 = tagValue(snapshot, fromPrefix);
    return sha256 === undefined ? [] : [[sha256, set.id] as const];
  })));
}

/** The manifest's tags name the sources, so that one listing of snapshots tells whether a set is complete. */
export function manifestTags(setId: string, sources: readonly string[], marks: SetMarks): string[] {
  return [
    toolTag,
    `set:${setId}`,
    manifestTag,
    `sources:${sources.join('+')}`,
    ...(marks.incomplete ? [incompleteTag] : []),
    ...(marks.safety ? [safetyTag] : []),
    ...(marks.suspicious ? [suspiciousTag] : []),
    ...(marks.imported ? [importedTag] : []),
  ];
}

/**
 * Reads all sets of the repository, newest first.
 * @param onUnreadable gets restic's words on each snapshot that is damaged; the sets are then without it
 * @throws TimetilesError `repository-missing` when there is none yet
 */
export async function readSets(context: Context, onUnreadable?: (line: string) => void): Promise<BackupSet[]> {
  return (await readSnapshots(context, onUnreadable)).sets;
}

/** The same with the snapshots that they are made of. */
export async function readSnapshots(context: Context, onUnreadable?: (line: string) => void): Promise<{readonly snapshots: Snapshot[]; readonly sets: BackupSet[]}> {
  requireRepository(context);
  const snapshots = await listSnapshots(context.restic, toolTag, onUnreadable);
  const sets = groupSets(snapshots);
  await rememberSetNames(context, sets);
  return {snapshots, sets};
}

/** @throws TimetilesError `repository-missing` */
export function requireRepository(context: Context): void {
  if (!isLocal(context.restic) || repositoryExists(context.restic)) return;
  throw new TimetilesError(
    'repository-missing',
    `there is no repository at ${context.restic.repository}`,
    'Check RESTIC_REPOSITORY and whether its disk is mounted; the first `timetiles backup` makes a repository.',
  );
}

/** Groups snapshots into sets, newest first. Pure. */
export function groupSets(snapshots: readonly Snapshot[]): BackupSet[] {
  const bySet = new Map<string, Snapshot[]>();
  for (const snapshot of snapshots) {
    const id = tagValue(snapshot, 'set:');
    if (id === undefined || !snapshot.tags.includes(toolTag)) continue;
    bySet.set(id, [...(bySet.get(id) ?? []), snapshot]);
  }
  const earlier = groupEarlierRuns(snapshots).map(earlierSet);
  return [...[...bySet].map(([id, members]) => toSet(id, members)), ...earlier].toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

function toSet(id: string, members: readonly Snapshot[]): BackupSet {
  const manifest = members.find((member) => member.tags.includes(manifestTag));
  const snapshots = members
    .filter((member) => member !== manifest)
    .map((member) => ({source: sourceOf(member), id: member.id, time: new Date(member.time), snapshot: member}));
  const expected = manifest === undefined ? undefined : tagValue(manifest, 'sources:')?.split('+');
  const isComplete =
    expected !== undefined &&
    manifest?.tags.includes(incompleteTag) === false &&
    expected.every((source) => snapshots.some((snapshot) => snapshot.source === source));
  const first = members.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time))[0];
  return {
    id,
    time: timeOfSetId(id) ?? new Date(first?.time ?? 0),
    state: isComplete ? 'complete' : 'incomplete',
    isSafety: manifest?.tags.includes(safetyTag) ?? false,
    isSuspicious: manifest?.tags.includes(suspiciousTag) ?? false,
    isImported: manifest?.tags.includes(importedTag) ?? false,
    isEarlier: false,
    host: (manifest ?? first)?.hostname ?? '',
    manifest: manifest?.id,
    snapshots,
  };
}

/** Whole by its nature: the earlier command line stored a dump only after pg_dump had ended well. */
function earlierSet({id, host, snapshots}: EarlierRun): BackupSet {
  return {
    id, host,
    time: timeOfSetId(id) ?? new Date(0),
    state: 'complete',
    isSafety: false,
    isSuspicious: false,
    isImported: false,
    isEarlier: true,
    manifest: undefined,
    snapshots: snapshots.map(({source, snapshot}) => ({source, id: snapshot.id, time: new Date(snapshot.time), snapshot})),
  };
}

/** Whether the run that made a set came to its end; some files may not have been readable. */
export function isFinished({manifest, isEarlier}: Pick<BackupSet, 'manifest' | 'isEarlier'>): boolean {
  return manifest !== undefined || isEarlier;
}

function tagValue(snapshot: Snapshot, prefix: string): string | undefined {
  return snapshot.tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
}

function sourceOf(snapshot: Snapshot): string {
  return snapshot.tags.find((tag) => tag !== toolTag && !tag.includes(':')) ?? 'unknown';
}

export interface ChosenSet {
  readonly set: BackupSet;
  /** The one snapshot that was asked for, when it was one and not a set. */
  readonly snapshot: SetSnapshot | undefined;
}

/** Whether it is a backup that `latest` may mean: complete, and not made by a restore of the state before it. */
export function isWholeBackup({state, isSafety}: Pick<BackupSet, 'state' | 'isSafety'>): boolean {
  return state === 'complete' && !isSafety;
}

/**
 * Finds what `latest`, a set id, a snapshot id or the beginning of one means.
 * @param source `latest` then is the newest complete set that has this source
 * @throws TimetilesError `not-found` that lists the sets there are, or `ambiguous`
 */
export function chooseSet(sets: readonly BackupSet[], wanted: string, source?: string): ChosenSet {
  if (wanted === 'latest') {
    const has = (set: BackupSet) => source === undefined || set.snapshots.some((snapshot) => snapshot.source === source);
    const latest = sets.find((set) => isWholeBackup(set) && has(set));
    if (latest) return {set: latest, snapshot: undefined};
    throw new TimetilesError('not-found', `there is no complete set${source === undefined ? '' : ` with ${source}`}; ${inventory(sets)}`, 'Make one: timetiles backup');
  }
  // As an unset variable of a script gives it; every id begins with it.
  if (wanted === '') throw new TimetilesError('usage', 'the name of the set is empty', 'Name one: timetiles restore latest (timetiles backup list shows them all)');
  const matches: ChosenSet[] = [];
  for (const set of sets) {
    if (set.id.toLowerCase().startsWith(wanted.toLowerCase()) || set.manifest?.startsWith(wanted)) matches.push({set, snapshot: undefined});
    for (const snapshot of set.snapshots) {
      // One snapshot of the earlier command line that stands alone is a set.
      if (snapshot.id.startsWith(wanted)) matches.push({set, snapshot: set.isEarlier && set.snapshots.length === 1 ? undefined : snapshot});
    }
  }
  const [only, second] = matches;
  if (only && !second) return only;
  if (only && second) {
    const names = matches.map(({set, snapshot}) => (snapshot ? `snapshot ${snapshot.id.slice(0, 12)} (${snapshot.source})` : `set ${set.id}`));
    throw new TimetilesError('ambiguous', `${wanted} matches ${names.length} times: ${names.slice(0, 10).join(', ')}`, 'Give more of the id.');
  }
  throw new TimetilesError('not-found', `there is no set or snapshot ${wanted}; ${inventory(sets)}`, 'List them all: timetiles backup list');
}

function inventory(sets: readonly BackupSet[]): string {
  if (sets.length === 0) return 'the repository has no sets yet';
  const shown = sets.slice(0, 10).map((set) => {
    const parts = set.snapshots.map((snapshot) => `${snapshot.source} ${snapshot.id.slice(0, 8)}`).join(', ');
    return `${set.id} (${set.isEarlier ? 'earlier CLI; ' : ''}${set.state === 'complete' ? '' : 'incomplete; '}${parts})`;
  });
  const more = sets.length > shown.length ? ` and ${plural(sets.length - shown.length, 'older set')}` : '';
  return `there are: ${shown.join(', ')}${more}`;
}
