import {TimetilesError} from '../shared/errors.ts';
import type {Source} from '../sources/source.ts';
import type {Context} from './context.ts';
import {makeSet} from './make-set.ts';
import {readEarlierManifests} from './suspicion.ts';

/**
 * The present state as an ordinary set, under a lock that is held already.
 * @param sources those that have any data
 * @returns the set's id, or null when there is nothing to save
 */
export async function saveCurrentState(context: Context, sources: readonly Source[], command: string): Promise<string | null> {
  if (sources.length === 0) {
    context.log.info('there is no present state to save');
    return null;
  }
  context.log.info('saving the present state first');
  try {
    const report = await makeSet(context, {sources, allowEmpty: true, newRepository: false, acceptSmaller: false, command, safety: true, earlier: await readEarlierManifests(context)});
    return report.set;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof TimetilesError)) throw error;
    throw new TimetilesError(error.kind, `the present state could not be saved, nothing was restored: ${error.message}`, `${error.next} To restore without saving it: --no-safety-backup`, {cause: error});
  }
}
