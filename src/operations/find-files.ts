import {earlierTags} from '../restic/earlier.ts';
import {findNodes} from '../restic/find.ts';
import type {SnapshotNode} from '../restic/list-files.ts';
import {TimetilesError} from '../shared/errors.ts';
import {parseFilePattern} from '../shared/file-pattern.ts';
import type {Context} from './context.ts';
import {contextForSet, findCopies, readCopies, type FindOptions} from './offsite/find.ts';
import {onRepository} from './offsite/target.ts';
import {chooseSet, readSets, toolTag, type BackupSet} from './sets.ts';

/** One content of one path, as far as size and modification time tell. */
export interface FileVersion {
  readonly source: string;
  /** Below the root of its source: `2026/photo.jpg`. */
  readonly path: string;
  readonly type: string;
  /** Bytes; null for what is no file. */
  readonly size: number | null;
  readonly modified: string;
  /** How many sets have it, and the ids of the oldest and the newest of them. */
  readonly sets: number;
  readonly oldestSet: string;
  readonly newestSet: string;
}

export interface FindReport {
  /** Newest first; no more than the limit. */
  readonly versions: readonly FileVersion[];
  /** Versions beyond the limit, as far as they were told apart. */
  readonly more: number;
  /** There were too many to look at all: the search has to be narrower. */
  readonly isPartial: boolean;
  readonly searchedSets: number;
}

export interface FileSearch {
  readonly pattern: string;
  readonly ignoreCase: boolean;
  /** One source alone. */
  readonly source?: string | undefined;
  /** One set alone: `latest`, its id or the beginning of it. */
  readonly set?: string | undefined;
  readonly limit: number;
  /** Given: the offsite copy is searched. */
  readonly offsite?: FindOptions | undefined;
}

/** Versions that are told apart, and hits of one snapshot that are looked at: what a search may take of the memory. */
const mostVersions = 20_000;

/**
 * Finds which sets hold files of a name.
 * @throws TimetilesError `usage` for an empty pattern, `not-found` for a set that is not there
 */
export async function findFiles(context: Context, search: FileSearch): Promise<FindReport> {
  if (search.pattern.replace(/[/*]/g, '') === '') throw new TimetilesError('usage', 'the pattern says nothing about the name', "Give a part of the name, or a glob such as '*.jpg'.");
  const pattern = parseFilePattern(search.pattern);
  const groups = groupVersions(mostVersions);
  const searched = new Set<string>();
  for (const {context: from, sets} of await placesOf(context, search)) {
    const owners = new Map(sets.flatMap((set) => set.snapshots.filter(({source}) => search.source === undefined || source === search.source).map(({id, source}) => [id, {set: set.id, source}] as const)));
    for (const {set} of owners.values()) searched.add(set);
    const within = search.set === undefined ? [{tags: tagsOf(search.source)}] : [...owners.keys()].map((snapshot) => ({snapshot}));
    for (const place of within) {
      from.log.progress({label: `searching ${searched.size} sets`});
      await findNodes(from.restic, {pattern, ignoreCase: search.ignoreCase, within: place, limit: mostVersions}, ({snapshot, hits, omitted}) => {
        const owner = owners.get(snapshot);
        if (owner) groups.add(owner, hits, omitted);
      });
    }
  }
  const {versions, isPartial} = groups.result();
  return {versions: versions.slice(0, search.limit), more: Math.max(0, versions.length - search.limit), isPartial, searchedSets: searched.size};
}

/** Those of this tool's snapshots, and of the earlier command line's. */
function tagsOf(source: string | undefined): string[] {
  return source === undefined ? [toolTag, ...earlierTags] : [`${toolTag},${source}`, ...earlierTags.filter((tag) => tag === source)];
}

interface Place {
  readonly context: Context;
  readonly sets: readonly BackupSet[];
}

/** Where to look: this host's repository, or each of the offsite copies for the sets that no newer one has. */
async function placesOf(context: Context, search: FileSearch): Promise<Place[]> {
  if (search.set !== undefined) {
    const from = search.offsite ? await contextForSet(context, search.set, search.source, search.offsite) : context;
    const {set, snapshot} = chooseSet(await readSets(from), search.set, search.source);
    return [{context: from, sets: [snapshot ? {...set, snapshots: [snapshot]} : set]}];
  }
  if (!search.offsite) return [{context, sets: await readSets(context)}];
  const known = new Set<string>();
  const places: Place[] = [];
  for (const copy of await readCopies(context, await findCopies(context, search.offsite))) {
    const sets = copy.sets.filter(({id}) => !known.has(id));
    for (const {id} of sets) known.add(id);
    places.push({context: onRepository(context, copy.restic), sets});
  }
  return places;
}

/** Puts the hits of many sets together: the same path, size and time are one version. Pure. */
export function groupVersions(limit: number) {
  const versions = new Map<string, FileVersion>();
  let isPartial = false;
  return {
    add({set, source}: {set: string; source: string}, hits: readonly SnapshotNode[], omitted: number) {
      if (omitted > 0) isPartial = true;
      for (const {path, type, size, mtime} of hits) {
        const key = JSON.stringify([source, path, type, size, mtime]);
        const known = versions.get(key);
        if (!known && versions.size >= limit) {
          isPartial = true;
          continue;
        }
        versions.set(key, {
          source,
          path: path.replace(/^\//, ''),
          type,
          size: size ?? (type === 'file' ? 0 : null),
          modified: mtime,
          sets: (known?.sets ?? 0) + 1,
          oldestSet: known && known.oldestSet < set ? known.oldestSet : set,
          newestSet: known && known.newestSet > set ? known.newestSet : set,
        });
      }
    },
    result: () => ({versions: [...versions.values()].toSorted(newestFirst), isPartial}),
  };
}

function newestFirst(a: FileVersion, b: FileVersion): number {
  const difference = (Date.parse(b.modified) || 0) - (Date.parse(a.modified) || 0);
  if (difference !== 0) return difference;
  if (a.newestSet !== b.newestSet) return a.newestSet < b.newestSet ? 1 : -1;
  return a.path < b.path ? -1 : 1;
}
