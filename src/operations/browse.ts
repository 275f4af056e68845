import {findNodes} from '../restic/find.ts';
import {listFolder, type SnapshotNode} from '../restic/list-files.ts';
import {parseFilePattern} from '../shared/file-pattern.ts';
import type {Context} from './context.ts';

/** One file or folder of a snapshot. Its name may hold anything: never print it as it is. */
export interface Entry {
  readonly name: string;
  /** From the snapshot's root: `/2026/photo.jpg`. */
  readonly path: string;
  readonly isFolder: boolean;
  /** Bytes; null for what is no file. */
  readonly size: number | null;
  readonly modified: string;
}

/** Looks into one snapshot. */
export interface Browser {
  /** What a folder holds, folders first. `/` is the root. */
  list(folder: string): Promise<readonly Entry[]>;
  /** Everything whose name has this text or fits this glob, whatever the case; no more than a thousand. */
  search(text: string): Promise<readonly Entry[]>;
}

/** Folders that are kept; each costs restic's start to read again. */
const foldersToKeep = 100;
const mostHits = 1000;

/** Opens a snapshot folder by folder, so that one of a million files is as quick to open as one of ten. */
export function openBrowser(context: Context, snapshot: string): Browser {
  const read = new Map<string, readonly Entry[]>();
  return {
    async list(folder) {
      const known = read.get(folder);
      if (known) return known;
      const entries = (await listFolder(context.restic, snapshot, folder)).map(toEntry).toSorted(foldersFirst);
      const [oldest] = read.keys();
      if (oldest !== undefined && read.size >= foldersToKeep) read.delete(oldest);
      read.set(folder, entries);
      return entries;
    },
    async search(text) {
      const entries: Entry[] = [];
      await findNodes(context.restic, {pattern: parseFilePattern(text), ignoreCase: true, within: {snapshot}, limit: mostHits}, ({hits}) => entries.push(...hits.map(toEntry)));
      return entries.toSorted(foldersFirst);
    },
  };
}

function toEntry({path, type, size, mtime}: SnapshotNode): Entry {
  return {name: path.slice(path.lastIndexOf('/') + 1), path, isFolder: type === 'dir', size: size ?? (type === 'file' ? 0 : null), modified: mtime};
}

function foldersFirst(a: Entry, b: Entry): number {
  if (a.isFolder !== b.isFolder) return a.isFolder ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}
