import type {Context} from './context.ts';
import {withRepositoryLock} from './lock.ts';
import {pruneOffsite, type OffsitePruneReport} from './offsite/prune.ts';
import {pruneUnlocked, type PruneOptions, type PruneReport} from './prune-repository.ts';
import {finishInterruptedRestore} from './recover.ts';
import {requireRepository} from './sets.ts';

export interface PruneOutcome extends PruneReport {
  /** Null where no offsite copy is configured. */
  readonly offsite: OffsitePruneReport | null;
}

/**
 * Applies the retention of the configuration by whole sets: here, then offsite where the credentials allow it.
 * @throws TimetilesError `locked` (exit 4) while another run is at work
 */
export async function pruneSets(context: Context, options: PruneOptions): Promise<PruneOutcome> {
  requireRepository(context);
  const work = async () => {
    await finishInterruptedRestore(context);
    const report = await pruneUnlocked(context, options);
    return {...report, offsite: await pruneOffsite(context, options)};
  };
  return withRepositoryLock(context, 'timetiles backup prune', work, {wait: options.wait, ...(options.dryRun && {readOnlyRepository: 'proceed'})});
}
