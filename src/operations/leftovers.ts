import {createHash, randomBytes} from 'node:crypto';
import {hostname} from 'node:os';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {sources} from '../sources/registry.ts';
import type {Leftover} from '../sources/leftover.ts';
import type {Context} from './context.ts';
import {readJournal} from './journal.ts';
import {readPrevious} from './previous.ts';

/** A leftover that nothing on this host remembers. */
export interface Orphan extends Leftover {
  /** Whether a restore of this installation made it, it never was live, and nobody is at work on it. */
  readonly isDead: boolean;
}

/**
 * A new restore's id. It begins with the mark of this installation: two of them may use one server, and neither may take
 * what the other has made for its own.
 */
export function newRestoreId(context: Context): string {
  return markOf(context) + randomBytes(4).toString('hex');
}

function markOf({configuration, settings}: Context): string {
  return createHash('sha256').update([hostname(), configuration.home, settings.RESTIC_REPOSITORY].join('\0')).digest('hex').slice(0, 8);
}

/** What restores left in the stack and neither the journal nor the record of kept data speaks of, such as after the loss of this host's state. */
export async function findOrphans(context: Context): Promise<Orphan[]> {
  const known = knownIds(context);
  const mark = markOf(context);
  const found: Orphan[] = [];
  for (const source of sources) {
    try {
      for (const leftover of (await source.findLeftovers?.(context)) ?? []) {
        if (known?.some((text) => text.includes(leftover.restoreId)) === true) continue;
        if (found.some(({description}) => description === leftover.description)) continue;
        const isDead = known !== undefined && leftover.kind === 'staged' && !leftover.isInUse && leftover.restoreId.length > mark.length && leftover.restoreId.startsWith(mark);
        found.push({...leftover, isDead});
      }
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.debug(`nobody knows what restores have left of ${source.name}: ${messageOf(error)}`);
    }
  }
  return found;
}

/** What this host remembers; undefined where a part of that cannot be read, and nothing can be called forgotten. */
function knownIds(context: Context): string[] | undefined {
  try {
    return [readJournal(context), readPrevious(context)].filter((record) => record !== undefined).map((record) => JSON.stringify(record));
  } catch {
    return undefined;
  }
}

/** In words, with the way to remove it. Data that was live is never removed without being told to. */
export function describeOrphan({kind, description, command, isDead}: Orphan): {message: string; remedy: string} {
  if (isDead) return {message: `${description} is what a killed restore had begun`, remedy: `The next restore removes it; or by hand: ${command}`};
  const what = kind === 'staged' ? 'is what a restore had begun, perhaps one of another installation' : 'is what was live before a restore that this host does not remember';
  return {message: `${description} ${what}`, remedy: `When nobody needs it any more: ${command}`};
}

/** Removes what is certain to be of use to nobody. Call it under the repository's lock: then no living restore of this installation owns any. */
export async function removeDeadOrphans(context: Context): Promise<void> {
  for (const orphan of await findOrphans(context)) {
    const {message, remedy} = describeOrphan(orphan);
    if (!orphan.isDead) {
      context.log.warn(`${message}. ${remedy}`);
      continue;
    }
    try {
      await orphan.remove();
      context.log.info(`removed ${orphan.description}: a killed restore had begun it`);
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn(`${orphan.description} could not be removed: ${messageOf(error)}. By hand: ${orphan.command}`);
    }
  }
}

/** A disk that is too small may be so because of what nothing remembers. */
export async function suggestOrphans(context: Context, error: unknown): Promise<unknown> {
  if (!(error instanceof TimetilesError) || error.kind !== 'no-room') return error;
  const orphans = await findOrphans(context);
  if (orphans.length === 0) return error;
  const {kind, message, next, room, sqlstate} = error;
  return new TimetilesError(kind, message, `${next.replace(/\.$/, '')}. Earlier restores have left something there: timetiles doctor`, {cause: error, room, sqlstate});
}
