import {plural} from '../shared/format.ts';
import type {Context} from './context.ts';
import {dropEvidence} from './evidence.ts';
import {withRepositoryLock} from './lock.ts';
import {pruneOffsite, type OffsitePruneReport} from './offsite/prune.ts';
import {pruneUnlocked, type PruneOptions, type PruneReport} from './prune-repository.ts';
import {rememberHostName} from './host-names.ts';
import {finishInterruptedRestoreOrWarn} from './recover.ts';
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
    await finishInterruptedRestoreOrWarn(context);
    if (!options.dryRun) await rememberHostName(context);
    const report = await pruneUnlocked(context, options);
    const ownSets = new Set([...report.kept, ...report.removed].map(({set}) => set.id));
    const offsite = await pruneOffsite(context, options, {ownSets, hold: report.held ?? undefined});
    if (!options.dryRun) await forgetEvidence(context, report, offsite);
    return {...report, offsite};
  };
  return withRepositoryLock(context, command, work, {wait: options.wait, ...(options.dryRun && {readOnlyRepository: 'proceed'})});
}

/** What was found of a set goes with it. */
async function forgetEvidence(context: Context, here: PruneReport, offsite: OffsitePruneReport | null): Promise<void> {
  const idsOf = (report: PruneReport | null | undefined) => report?.removed.map(({set}) => set.id) ?? [];
  await dropEvidence(context, 'local', idsOf(here));
  await dropEvidence(context, 'offsite', idsOf(offsite?.report));
}

/** Trouble offsite never fails a prune here, and a copy that keeps too much endangers nothing. */
function concludePrune({removed, kept, offsite}: PruneOutcome): Conclusion {
  const trouble = offsite?.state === 'failed' ? `; offsite: ${offsite.message}` : '';
  return {state: 'done', message: `${plural(removed.length, 'set')} removed, ${kept.length} kept${trouble}`};
}
