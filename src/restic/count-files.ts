import {emptyMarker} from './backup.ts';
import type {ResticHandle} from './handle.ts';
import {runRestic} from './run.ts';

/** How many files a snapshot holds, counted as restic lists them. */
export async function countFiles(handle: ResticHandle, snapshot: string): Promise<number> {
  let files = 0;
  const onLine = (line: string) => {
    if (line.includes('"type":"file"') && !line.includes(`"path":"/${emptyMarker}"`)) files += 1;
  };
  await runRestic(handle, 'listing files', ['ls', '--json', '--no-lock', snapshot], {stdout: {onLine}});
  return files;
}
