import type {Context} from './context.ts';
import {withRepositoryLock} from './lock.ts';
import {pruneUnlocked, type PruneOptions, type PruneReport} from './prune-repository.ts';
import {finishInterruptedRestore} from './recover.ts';
import {requireRepository} from './sets.ts';

/**
 * Applies the retention of the configuration to the repository, by whole sets.
 * @throws TimetilesError `locked` (exit 4) while another run is at work
 */
export async function pruneSets(context: Context, options: PruneOptions): Promise<PruneReport> {
  requireRepository(context);
  const work = async () => {
    await finishInterruptedRestore(context);
    return pruneUnlocked(context, options);
  };
  return withRepositoryLock(context, 'timetiles backup prune', work, options.dryRun ? {readOnlyRepository: 'proceed'} : {});
}
