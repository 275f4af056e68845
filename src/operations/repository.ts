import {chmodSync} from 'node:fs';
import {join} from 'node:path';
import {z} from 'zod';
import {repositoryExists} from '../restic/handle.ts';
import {initRepository} from '../restic/init.ts';
import {removeDeadLocks} from '../restic/locks.ts';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatBytes, shellWord} from '../shared/format.ts';
import {freeBytes} from '../shared/free-space.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import {uninterruptible, type Context} from './context.ts';

const gigabyte = 1e9;
const knownSchema = z.record(z.string(), z.object({since: z.string()}));

/**
 * Stops before a new repository is made where this host used one before: its disk is most likely not mounted, and a
 * fresh, empty repository in its place would look like success.
 */
export function requireKnownRepository(context: Context): void {
  const {repository} = context.restic;
  if (repositoryExists(context.restic)) return;
  const known = readKnown(context)[repository];
  if (!known) return;
  throw new TimetilesError(
    'repository-missing',
    `the repository ${repository}, in use since ${known.since.slice(0, 10)}, is not there any more`,
    `Mount its disk (findmnt; ls ${shellWord(repository)}). Only if it is lost for good, start a new one: timetiles backup --new-repository`,
  );
}

/** Makes the repository on first use, remembers it, and clears locks of dead processes. */
export async function prepareRepository(context: Context): Promise<void> {
  const {repository} = context.restic;
  requireFreeSpace(context);
  if (repositoryExists(context.restic)) {
    const removed = await removeDeadLocks(context.restic);
    for (const lock of removed) context.log.info(`removed from the repository: ${lock}`);
  } else {
    context.log.info(`making the repository ${repository}`);
    chmodSync(repository, 0o700);
    await initRepository(context.restic);
  }
  if (readKnown(context)[repository]) return;
  const known = {...readKnown(context), [repository]: {since: context.clock.now().toISOString()}};
  try {
    await writeFileAtomically(knownPath(context), JSON.stringify(known));
  } catch (error) {
    context.log.warn(`this host cannot remember that it uses the repository ${repository}, so it will not notice when that is gone: ${messageOf(error)}`);
  }
}

/**
 * After a failure, when no child of this run is left: an interrupted restic before 0.17 may leave a lock that it was just
 * making. What cannot be cleared now is cleared by the next run.
 */
export async function clearDeadLocks(context: Context): Promise<void> {
  await removeDeadLocks(uninterruptible(context).restic).catch((error: unknown) => context.log.debug(`locks were not looked at: ${String(error)}`));
}

function requireFreeSpace(context: Context): void {
  const {repository} = context.restic;
  const minimum = context.settings.BACKUP_MIN_FREE_GB * gigabyte;
  const free = freeBytes(repository);
  if (free >= minimum) return;
  throw new TimetilesError(
    'repository-full',
    `the disk of the repository ${repository} has only ${formatBytes(free)} free`,
    `Free some space on it (df -h ${shellWord(repository)}), or lower BACKUP_MIN_FREE_GB, now ${context.settings.BACKUP_MIN_FREE_GB}.`,
  );
}

function knownPath(context: Context): string {
  return join(context.stateDirectory, 'repositories.json');
}

/** Since when this host has used the repository; undefined when it does not know. */
export function repositorySince(context: Context): Date | undefined {
  const since = readKnown(context)[context.restic.repository]?.since;
  return since === undefined ? undefined : new Date(since);
}

function readKnown(context: Context): z.output<typeof knownSchema> {
  // Damaged by a crash of the host: losing it costs the one check above, not a backup.
  return knownSchema.safeParse(parseJson(readTextOrNothing(knownPath(context)))).data ?? {};
}
