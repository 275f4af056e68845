import {z} from 'zod';
import {parseJson} from '../shared/parse-json.ts';
import {emptyMarker} from './backup.ts';
import type {ResticHandle} from './handle.ts';
import {runRestic} from './run.ts';

const node = z.object({type: z.enum(['file', 'symlink']), path: z.string()});

/** Hands on the path of every file and symbolic link in a snapshot, from its root: `/2024/photo.jpg`. */
export async function listFiles(handle: ResticHandle, snapshot: string, onFile: (path: string) => void): Promise<void> {
  const onLine = (line: string) => {
    const {data} = node.safeParse(parseJson(line));
    if (data && data.path !== `/${emptyMarker}`) onFile(data.path);
  };
  await runRestic(handle, 'listing files', ['ls', '--json', '--no-lock', snapshot], {stdout: {onLine}});
}

/** How many files and symbolic links a snapshot holds. */
export async function countFiles(handle: ResticHandle, snapshot: string): Promise<number> {
  let files = 0;
  await listFiles(handle, snapshot, () => {
    files += 1;
  });
  return files;
}
