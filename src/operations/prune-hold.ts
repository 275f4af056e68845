import {messageOf, TimetilesError} from '../shared/errors.ts';
import type {Context} from './context.ts';
import {isFuture, sourcesOf} from './retention.ts';
import type {BackupSet} from './sets.ts';
import {suspicionOf} from './suspicion.ts';

/**
 * Why no set may go now: the newest set of one of this host's sources is suspicious, so that an older one may be the
 * last good one. Undefined when there is no such reason.
 */
export async function reasonToHold(context: Context, sets: readonly BackupSet[], hostNames: ReadonlySet<string>): Promise<string | undefined> {
  const now = context.clock.now();
  const judged = sets.filter((set) => hostNames.has(set.host) && set.manifest !== undefined && !set.isSafety && !set.isImported && !isFuture(set, now));
  const sources = new Set(judged.flatMap(sourcesOf));
  const newest = new Set([...sources].map((source) => judged.find((set) => sourcesOf(set).includes(source))).filter((set) => set !== undefined));
  for (const set of newest) {
    const [first, ...more] = await doubtsAbout(context, set);
    if (first !== undefined) return `the newest set ${set.id} is suspicious: ${first}${more.length === 0 ? '' : `, and ${more.length} more`}`;
  }
  return undefined;
}

/** A manifest that cannot be read is a reason to remove nothing, too. */
async function doubtsAbout(context: Context, set: BackupSet): Promise<readonly string[]> {
  try {
    return await suspicionOf(context, set);
  } catch (error) {
    if (error instanceof TimetilesError && error.kind === 'repository') return [messageOf(error)];
    throw error;
  }
}
