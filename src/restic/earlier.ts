import {posix} from 'node:path';
import type {ResticHandle} from './handle.ts';
import type {Snapshot} from './messages.ts';

/** The tags that TimeTiles' earlier command line, a bash script, gave its snapshots: one each, and none of this tool's. */
export const earlierTags = ['db', 'uploads'] as const;
type EarlierTag = (typeof earlierTags)[number];

/** What a snapshot of the earlier command line holds. */
export interface EarlierSnapshot {
  readonly source: EarlierTag;
  /** The folder of the snapshot that this tool would have made the snapshot's root; empty where it is the root. */
  readonly root: string;
}

/**
 * Recognises a snapshot of the earlier command line: the tag alone, and the one path that goes with it. Whatever else
 * somebody stored there is left alone. Pure.
 */
export function recogniseEarlier({tags, paths}: Pick<Snapshot, 'tags' | 'paths'>): EarlierSnapshot | undefined {
  const source = earlierTags.find((tag) => tag === tags[0]);
  const [path, second] = paths;
  if (source === undefined || tags.length !== 1 || path === undefined || second !== undefined || !posix.isAbsolute(path)) return undefined;
  const clean = posix.normalize(path).replace(/\/+$/, '');
  if (source === 'uploads') return clean === '' ? undefined : {source, root: clean};
  return posix.basename(clean) === 'database.sql' ? {source, root: posix.dirname(clean).replace(/^\/$/, '')} : undefined;
}

/** Where a path of the data is in its snapshot. Both begin with `/`. */
export function pathInSnapshot(handle: ResticHandle, snapshot: string, path: string): string {
  const root = rootOf(handle, snapshot);
  return root === '' ? path : `${root}${path}`.replace(/(?<=.)\/$/, '');
}

/** The way back; undefined for what lies beside the data, such as the folders that lead to it. */
export function pathOfData(handle: ResticHandle, snapshot: string, path: string): string | undefined {
  const root = rootOf(handle, snapshot);
  if (root === '') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** The folder of a snapshot in which its data begins; empty where that is the snapshot's root. A listing has told. */
export function rootOf({roots}: ResticHandle, snapshot: string): string {
  return roots.get(snapshot) ?? '';
}
