import {messageOf} from '../shared/errors.ts';
import {uninterruptible, type Context} from './context.ts';
import {findLostFiles} from './damage.ts';
import {meansDamage, type MissingData} from './damage-kinds.ts';
import {requireSome, unlessFailed, type PlannedStep, type RestorePlan} from './restore-plan.ts';

/** What was brought in beside the live data, and what of it is missing. */
export interface Staged {
  readonly steps: readonly PlannedStep[];
  readonly missing: readonly MissingData[];
  /** What came back otherwise than by the ordinary way, a line each. */
  readonly remarks: readonly string[];
}

/**
 * Brings everything in beside the live data.
 * @param failures takes what goes wrong with one source, which is then left out
 * @returns those that are ready to be swapped: all, unless failures are collected
 * @throws TimetilesError at the first thing that cannot be restored whole, unless failures are collected
 */
export async function stageAll(context: Context, plan: RestorePlan, failures: Map<string, unknown> | undefined): Promise<Staged> {
  const staged: PlannedStep[] = [];
  const remarks: string[] = [];
  for (const planned of plan.steps) {
    const {source, step} = planned;
    context.log.info(`restoring ${source.name} beside the live data`);
    const made = await unlessFailed(context, failures, source.name, () => step.stage((progress) => context.log.progress({label: `restoring ${source.name}`, ...progress})));
    remarks.push(...(made ?? []).map((line) => `${source.name}: ${line}`));
    context.signal.throwIfAborted();
    if (failures?.has(source.name)) await source.revert(uninterruptible(context), step.entry);
    else staged.push(planned);
  }
  requireSome(staged, failures);
  return {steps: staged, missing: [], remarks};
}

/**
 * The same for what is intact: files without those that are damaged; a source that cannot be restored at all stays as it is.
 * @param from where the set is read from
 * @throws TimetilesError when nothing is intact
 */
export async function stageIntact(context: Context, from: Context, plan: RestorePlan): Promise<Staged> {
  const steps: PlannedStep[] = [];
  const missing: MissingData[] = [];
  const remarks: string[] = [];
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
      const made = await step.stage(onProgress, {damaged: [...(lost.get(snapshot.id) ?? [])], onMissing});
      remarks.push(...made.map((line) => `${source.name}: ${line}`));
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
  return {steps, missing, remarks};
}
