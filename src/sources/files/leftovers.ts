import {existsSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {removeTree} from '../../process/remove-tree.ts';
import {shellWord} from '../../shared/format.ts';
import type {Leftover} from '../leftover.ts';
import type {SourceContext} from '../source.ts';
import {locateUploads} from './locate.ts';

const ours = /^\.timetiles-([0-9a-z]+)$/;

/** The directories with the names of a restore's, beside the uploads and, where those are a mount point, in them. */
export async function findFileLeftovers(context: SourceContext): Promise<Leftover[]> {
  const {directory} = await locateUploads(context);
  const found: Leftover[] = [];
  for (const parent of [dirname(directory), directory]) {
    for (const name of await readdir(parent).catch(() => [])) {
      const restoreId = ours.exec(name)?.[1];
      if (restoreId === undefined) continue;
      const path = join(parent, name);
      // What was live lies in `old`; without one, nothing in there ever was.
      const kind = existsSync(join(path, 'old')) || existsSync(join(path, 'emptied')) ? 'kept' : 'staged';
      found.push({restoreId, kind, description: `the directory ${path}`, command: `rm -r ${shellWord(path)}`, isInUse: false, remove: () => removeTree(path)});
    }
  }
  return found;
}
