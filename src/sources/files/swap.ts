import {readFileSync} from 'node:fs';
import {mkdir, readdir, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {z} from 'zod';
import {removeTree} from '../../process/remove-tree.ts';
import {syncDirectory} from '../../shared/atomic-file.ts';
import {pathExists} from '../../shared/path-exists.ts';
import {applyRootEntry} from './root-entry.ts';

/**
 * Where the files of one restore are. `directory`: the whole live directory changes places with the new one.
 * `children`: the live directory is a mount point and cannot be renamed, so everything in it does.
 */
export const swapPlacesSchema = z.object({
  kind: z.enum(['directory', 'children']),
  live: z.string(),
  /** A directory of this restore's own, on the same file system; holds `new` and later `old`. */
  base: z.string(),
  /** Attributes that the live directory itself gets in the end (see root-entry.ts); children only. */
  newRoot: z.string().nullable(),
  /** Those it had. */
  oldRoot: z.string(),
});
export type SwapPlaces = z.output<typeof swapPlacesSchema>;

/** Chooses the places; nothing is made yet. */
export function choosePlaces(live: string, restoreId: string): Pick<SwapPlaces, 'kind' | 'base' | 'live'> {
  const kind = isMountPoint(live) ? 'children' : 'directory';
  return {kind, live, base: join(kind === 'children' ? live : dirname(live), `.timetiles-${restoreId}`)};
}

const freshOf = (places: SwapPlaces) => join(places.base, 'new');
const oldOf = (places: SwapPlaces) => join(places.base, 'old');
/** Says, for children, that the live directory has been emptied into `old`: from then on what is in it is new. */
const emptiedOf = (places: SwapPlaces) => join(places.base, 'emptied');

/** Makes an empty place for the new files. @returns its path */
export async function makeFreshPlace(places: SwapPlaces): Promise<string> {
  await mkdir(places.base, {mode: 0o700});
  await mkdir(freshOf(places), {mode: 0o700});
  return freshOf(places);
}

/** Puts the new files in the place of the live ones. May be called again after any interruption. */
export async function swapFiles(places: SwapPlaces): Promise<void> {
  if (!pathExists(places.base)) return;
  if (places.kind === 'directory') {
    if (!pathExists(freshOf(places))) return;
    if (pathExists(places.live) && !pathExists(oldOf(places))) await rename(places.live, oldOf(places));
    await rename(freshOf(places), places.live);
    await syncDirectory(dirname(places.live));
    await syncDirectory(places.base);
    return;
  }
  if (!pathExists(emptiedOf(places))) {
    await mkdir(oldOf(places), {recursive: true, mode: 0o700});
    await moveChildren(places.live, oldOf(places), places.base);
    await writeFile(emptiedOf(places), '');
    await syncDirectory(places.base);
  }
  await moveChildren(freshOf(places), places.live, places.base);
  if (places.newRoot !== null) await applyRootEntry(places.live, places.newRoot);
}

/**
 * The old files where they lie beside the live directory. Those of a mount point lie in it, where the app would see them
 * and a backup would store them: they cannot stay.
 */
export function keptFiles(places: SwapPlaces): string | undefined {
  return places.kind === 'directory' && pathExists(oldOf(places)) ? oldOf(places) : undefined;
}

/** Takes back whatever of stage and swap has happened, and removes the new files. May be called again. */
export async function revertFiles(places: SwapPlaces): Promise<void> {
  if (!pathExists(places.base)) return;
  if (places.kind === 'directory') {
    if (pathExists(oldOf(places))) {
      if (pathExists(places.live)) await rename(places.live, freshOf(places));
      await rename(oldOf(places), places.live);
      await syncDirectory(dirname(places.live));
    }
  } else {
    if (pathExists(emptiedOf(places))) {
      await moveChildren(places.live, freshOf(places), places.base);
      await rm(emptiedOf(places));
    }
    if (pathExists(oldOf(places))) await moveChildren(oldOf(places), places.live, places.base);
  }
  await removeTree(places.base);
  if (places.kind === 'children') await applyRootEntry(places.live, places.oldRoot);
}

/** Removes the old files for good. May be called again. */
export async function finishFiles(places: SwapPlaces): Promise<void> {
  if (!pathExists(places.base)) return;
  await removeTree(places.base);
  // Removing the base from within the live directory has touched its time.
  if (places.kind === 'children' && places.newRoot !== null) await applyRootEntry(places.live, places.newRoot);
}

async function moveChildren(from: string, to: string, except: string): Promise<void> {
  const slash = Buffer.from('/');
  // Names are bytes: what is no UTF-8 has to survive.
  for (const name of await readdir(from, {encoding: 'buffer'})) {
    const path = Buffer.concat([Buffer.from(from), slash, name]);
    if (path.equals(Buffer.from(except))) continue;
    await rename(path, Buffer.concat([Buffer.from(to), slash, name]));
  }
  await syncDirectory(from);
  await syncDirectory(to);
}

/** Whether something is mounted on a directory (proc(5), mountinfo: the fifth field, with octal escapes). */
function isMountPoint(directory: string): boolean {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const unescape = (text: string) => text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return mounts.some((line) => unescape(line.split(' ')[4] ?? '') === directory);
}
