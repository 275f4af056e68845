import {plural} from '../shared/format.ts';
import type {Context} from './context.ts';
import {withRepositoryLock} from './lock.ts';
import {pruneOffsite, type OffsitePruneReport} from './offsite/prune.ts';
import {pruneUnlocked, type PruneOptions, type PruneReport} from './prune-repository.ts';
import {rememberHostName} from './host-names.ts';
import {finishInterruptedRestore} from './recover.ts';
import {requireRepository} from './sets.ts';
import {watchJob, type Conclusion} from './watch.ts';

const command = 'timetiles backup prune';

export interface PruneOutcome extends PruneReport {
  /** Null where no offsite copy is configured. */
  readonly offsite: OffsitePruneReport | null;
}

/**
 * Applies the retention of the configuration by whole sets: here, then offsite where the credentials allow it.
 * @throws TimetilesError `locked` (exit 4) while another run is at work
 */
export async function pruneSets(context: Context, options: PruneOptions): Promise<PruneOutcome> {
  const work = () => pruneEverywhere(context, options);
  return options.dryRun ? work() : watchJob(context, {job: 'prune', command, conclude: concludePrune}, work);
}

async function pruneEverywhere(context: Context, options: PruneOptions): Promise<PruneOutcome> {
  requireRepository(context);
  const work = async () => {
    await finishInterruptedRestore(context);
    if (!options.dryRun) await rememberHostName(context);
    const report = await pruneUnlocked(context, options);
    const ownSets = new Set([...report.kept, ...report.removed].map(({set}) => set.id));
    return {...report, offsite: await pruneOffsite(context, options, {ownSets, hold: report.held ?? undefined})};
  };
  return withRepositoryLock(context, command, work, {wait: options.wait, ...(options.dryRun && {readOnlyRepository: 'proceed'})});
}

/** Trouble offsite never fails a prune here, and a copy that keeps too much endangers nothing. */
function concludePrune({removed, kept, offsite}: PruneOutcome): Conclusion {
  const trouble = offsite?.state === 'failed' ? `; offsite: ${offsite.message}` : '';
  return {state: 'done', message: `${plural(removed.length, 'set')} removed, ${kept.length} kept${trouble}`};
}
