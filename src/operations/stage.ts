import {messageOf} from '../shared/errors.ts';
import {uninterruptible, type Context} from './context.ts';
import {findLostFiles} from './damage.ts';
import {meansDamage, type MissingData} from './damage-kinds.ts';
import type {PlannedStep, RestorePlan} from './restore-plan.ts';

/** What was brought in beside the live data, and what of it is missing. */
export interface Staged {
  readonly steps: readonly PlannedStep[];
  readonly missing: readonly MissingData[];
}

/** Brings everything in beside the live data. @throws TimetilesError at the first thing that cannot be restored whole */
export async function stageAll(context: Context, plan: RestorePlan): Promise<readonly PlannedStep[]> {
  for (const {source, step} of plan.steps) {
    context.log.info(`restoring ${source.name} beside the live data`);
    await step.stage((progress) => context.log.progress({label: `restoring ${source.name}`, ...progress}));
    context.signal.throwIfAborted();
  }
  return plan.steps;
}

/**
 * The same for what is intact: files without those that are damaged; a source that cannot be restored at all stays as it is.
 * @param from where the set is read from
 * @throws TimetilesError when nothing is intact
 */
export async function stageIntact(context: Context, from: Context, plan: RestorePlan): Promise<Staged> {
  const steps: PlannedStep[] = [];
  const missing: MissingData[] = [];
  const lost = await findLostFiles(from, plan.steps.map(({snapshot}) => snapshot));
  let first: unknown;
  for (const planned of plan.steps) {
    const {source, snapshot, step} = planned;
    context.log.info(`restoring ${source.name} beside the live data`);
    const onProgress = (progress: object) => context.log.progress({label: `restoring ${source.name}`, ...progress});
    const onMissing = (paths: readonly string[]) => {
      if (paths.length > 0) missing.push({source: source.name, paths, reason: null});
    };
    try {
      await step.stage(onProgress, {damaged: [...(lost.get(snapshot.id) ?? [])], onMissing});
      steps.push(planned);
    } catch (error) {
      context.signal.throwIfAborted();
      if (!meansDamage(error)) throw error;
      first ??= error;
      context.log.warn(`${source.name} cannot be restored and stays as it is: ${messageOf(error)}`);
      await source.revert(uninterruptible(context), step.entry);
      missing.push({source: source.name, paths: [], reason: messageOf(error)});
    }
    context.signal.throwIfAborted();
  }
  if (steps.length === 0) throw first;
  return {steps, missing};
}
