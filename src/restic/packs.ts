import {join} from 'node:path';
import {z} from 'zod';
import {pathExists} from '../shared/path-exists.ts';
import {pathOfData} from './earlier.ts';
import {isLocal, repositoryFiles, type ResticHandle} from './handle.ts';
import {questionLimit, runRestic} from './run.ts';

const indexSchema = z.object({packs: z.array(z.object({id: z.string()})).nullish()});
/** How many restic read the index at a time; most of their time goes into deriving the key. */
const readers = 4;

const matchesSchema = z.array(z.object({object_type: z.string(), path: z.string(), snapshot: z.string()}));

/**
 * The ids of packs that the index names and that are not there. Takes one start of restic for each file of the index.
 * Nothing is known of a repository elsewhere.
 */
export async function findMissingPacks(handle: ResticHandle): Promise<string[]> {
  if (!isLocal(handle)) return [];
  const missing = new Set<string>();
  const indexes = repositoryFiles(handle, 'index');
  const readNext = async (): Promise<void> => {
    for (let index = indexes.pop(); index !== undefined; index = indexes.pop()) {
      const {stdout} = await runRestic(handle, 'reading the index', ['cat', '--no-lock', 'index', index], {limit: questionLimit});
      for (const {id} of indexSchema.parse(JSON.parse(stdout)).packs ?? []) if (!pathExists(join(handle.repository, 'data', id.slice(0, 2), id))) missing.add(id);
    }
  };
  await Promise.all(Array.from({length: readers}, readNext));
  return [...missing];
}

/** How many files the index has: what `findMissingPacks` costs. */
export function countIndexes(handle: ResticHandle): number {
  return isLocal(handle) ? repositoryFiles(handle, 'index').length : 0;
}

/**
 * Which files of some snapshots have content in some packs, by the snapshot's full id. Works for packs that are missing, by
 * the index. Folders do not count: whether they can be listed is another question, and one that cannot be is not looked into.
 */
export async function findFilesInPacks(handle: ResticHandle, packs: readonly string[], snapshots: readonly string[]): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  if (packs.length === 0 || snapshots.length === 0) return found;
  const args = ['find', '--json', '--no-lock', ...snapshots.flatMap((id) => ['--snapshot', id]), '--pack', ...packs];
  const {stdout} = await runRestic(handle, 'looking for what is damaged', args, {limit: questionLimit});
  const list = stdout.split('\n').find((line) => /^\[[{\]]/.test(line));
  for (const {object_type: type, path, snapshot} of matchesSchema.parse(JSON.parse(list ?? '[]'))) {
    // A folder may still be in restic's cache; what is in it is not lost with the pack.
    const ofData = pathOfData(handle, snapshot, path);
    if (type !== 'blob' || ofData === undefined) continue;
    const paths = found.get(snapshot) ?? new Set<string>();
    found.set(snapshot, paths.add(ofData));
  }
  return found;
}
