import {z} from 'zod';
import {parseJson} from '../shared/parse-json.ts';
import {emptyMarker} from './backup.ts';
import {pathInSnapshot, pathOfData} from './earlier.ts';
import type {ResticHandle} from './handle.ts';
import {runRestic} from './run.ts';

const fileSchema = z.object({type: z.enum(['file', 'symlink']), path: z.string()});

/** One entry of a snapshot. What is no UTF-8 in its name restic tells as U+FFFD. */
export const nodeSchema = z.object({
  type: z.string(),
  /** From the snapshot's root: `/2024/photo.jpg`. */
  path: z.string(),
  /** Bytes; files alone have it. */
  size: z.number().optional(),
  mtime: z.string().default(''),
});

export type SnapshotNode = z.output<typeof nodeSchema>;

/** Hands on the path of every file and symbolic link in a snapshot, from its root: `/2024/photo.jpg`. */
export async function listFiles(handle: ResticHandle, snapshot: string, onFile: (path: string) => void): Promise<void> {
  const onLine = (line: string) => {
    const {data} = fileSchema.safeParse(parseJson(line));
    const path = data && pathOfData(handle, snapshot, data.path);
    if (path !== undefined && path !== `/${emptyMarker}`) onFile(path);
  };
  await runRestic(handle, 'listing files', ['ls', '--json', '--no-lock', snapshot], {stdout: {onLine}});
}

/** What one folder of a snapshot holds, not what its folders hold: restic reads the directories on the way to it alone. */
export async function listFolder(handle: ResticHandle, snapshot: string, folder: string): Promise<SnapshotNode[]> {
  const nodes: SnapshotNode[] = [];
  const onLine = (line: string) => {
    const {data} = nodeSchema.safeParse(parseJson(line));
    const path = data && pathOfData(handle, snapshot, data.path);
    if (data && path !== undefined && path !== folder && path !== `/${emptyMarker}`) nodes.push({...data, path});
  };
  await runRestic(handle, 'listing a folder', ['ls', '--json', '--no-lock', '--', snapshot, pathInSnapshot(handle, snapshot, folder)], {stdout: {onLine}});
  return nodes;
}

/** How many files and symbolic links a snapshot holds. */
export async function countFiles(handle: ResticHandle, snapshot: string): Promise<number> {
  let files = 0;
  await listFiles(handle, snapshot, () => {
    files += 1;
  });
  return files;
}
