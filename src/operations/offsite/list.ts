import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {describeSets, type ListedSet} from '../list.ts';
import {findCopies, readCopies, type FindOptions} from './find.ts';
import {onRepository} from './target.ts';

/** A set offsite and the epoch that holds it; null for a repository that restic itself made. */
export interface OffsiteSet extends ListedSet {
  readonly epoch: string | null;
}

export type OffsiteListing =
  | {readonly state: 'listed'; readonly sets: readonly OffsiteSet[]}
  /** The credentials cannot read, as they should not on a server. */
  | {readonly state: 'unreadable'; readonly message: string; readonly next: string};

/** Lists the sets of the offsite copy, newest first; each once, from the newest epoch that has it whole, else that has a part. */
export async function listOffsite(context: Context, options: FindOptions): Promise<OffsiteListing> {
  try {
    return {state: 'listed', sets: await readOffsiteSets(context, options)};
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'offsite-permission') throw error;
    return {state: 'unreadable', message: error.message, next: error.next};
  }
}

/** The same for picking one: what cannot be read is an error. */
export async function readOffsiteSets(context: Context, options: FindOptions): Promise<OffsiteSet[]> {
  const byId = new Map<string, OffsiteSet>();
  for (const copy of await readCopies(context, await findCopies(context, options))) {
    const better = copy.sets.filter(({id, state}) => {
      const known = byId.get(id);
      return !known || (known.state === 'incomplete' && state === 'complete');
    });
    for (const set of await describeSets(onRepository(context, copy.restic), better, 'offsite')) byId.set(set.id, {...set, epoch: copy.epoch});
  }
  return [...byId.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1));
}
