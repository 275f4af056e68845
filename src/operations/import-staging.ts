import {createHash, randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, rm} from 'node:fs/promises';
import {basename, join, resolve} from 'node:path';
import {z} from 'zod';
import {removeTree} from '../process/remove-tree.ts';
import {syncDirectory, writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';

const recordSchema = z.object({directory: z.string()});
/** Nothing else is ever removed. */
const prefix = '.timetiles-import-';

/**
 * Makes a directory that nobody else may enter, for the time of `work`, and removes it whatever happened. The next
 * command removes what a kill left. The repository's lock has to be held.
 * @param parent where; undefined: beside this tool's state
 */
export async function withStaging<Result>(context: Context, parent: string | undefined, work: (directory: string) => Promise<Result>): Promise<Result> {
  const directory = join(resolve(parent ?? context.stateDirectory), `${prefix}${randomBytes(4).toString('hex')}`);
  await writeFileAtomically(recordPath(context), JSON.stringify({directory}));
  try {
    await mkdir(directory, {mode: 0o700}).catch((error: unknown) => {
      throw new TimetilesError('volume', `no directory can be made in ${parent ?? context.stateDirectory}: ${messageOf(error)}`, 'Name a directory of this host that may be written to: --staging DIR', {cause: error});
    });
    return await work(directory);
  } finally {
    await removeQuietly(context, directory);
  }
}

/** Whether a killed import may have left something. */
export function hasLeftStaging(context: Context): boolean {
  return existsSync(recordPath(context));
}

/** Removes what a killed import had unpacked. Call it under the repository's lock: then no living one can own it. */
export async function removeLeftStaging(context: Context): Promise<void> {
  if (!hasLeftStaging(context)) return;
  const record = recordSchema.safeParse(parseJson(readTextOrNothing(recordPath(context)))).data;
  if (!record || !basename(record.directory).startsWith(prefix)) {
    context.log.warn(`${recordPath(context)} cannot be read. Remove what an interrupted import left (directories named ${prefix}…), then the file`);
    return;
  }
  const isThere = existsSync(record.directory);
  if ((await removeQuietly(context, record.directory)) && isThere) context.log.warn('removed what an interrupted import had unpacked');
}

/** @returns whether it is gone */
async function removeQuietly(context: Context, directory: string): Promise<boolean> {
  try {
    await removeTree(directory);
    await rm(recordPath(context), {force: true});
    await syncDirectory(context.stateDirectory);
    return true;
  } catch (error) {
    context.log.warn(`what was unpacked could not be removed: ${messageOf(error)}. The next command tries again`);
    return false;
  }
}

/** Installations that share a directory have a repository each, whose lock is what makes a record safe to act on. */
function recordPath({stateDirectory, settings}: Context): string {
  return join(stateDirectory, `import-${createHash('sha256').update(settings.RESTIC_REPOSITORY).digest('hex').slice(0, 8)}.json`);
}
