import type {InspectionReport} from '../../operations/inspect.ts';
import {describePlan, type RestorePlan} from '../../operations/restore-plan.ts';
import type {RestoreReport} from '../../operations/restore.ts';
import {formatSeconds} from '../../shared/format.ts';
import {printable} from '../../shared/printable.ts';
import type {Rendered} from '../base-command.ts';

export function renderRestore(report: RestoreReport): Rendered {
  const {set, restored, safetySet, restarted, seconds} = report;
  const lines = [
    `Restored ${restored.join(' and ')} from set ${set} in ${formatSeconds(seconds)}.`,
    ...(restarted.length === 0 ? [] : [`Running again: ${restarted.join(', ')}`]),
    safetySet === null ? 'The state before was not saved.' : `The state before is set ${safetySet}; to return to it: timetiles restore ${safetySet}`,
  ];
  return {text: lines.join('\n'), json: {state: 'done', set, restored, safetySet, restarted, seconds}};
}

/** `--dry-run`. */
export function renderPlan(plan: RestorePlan, safetyBackup: boolean): Rendered {
  const lines = describePlan(plan, safetyBackup);
  const json = {
    state: 'planned',
    set: plan.set.id,
    sources: plan.steps.map(({source}) => source.name),
    stop: plan.stop.map((container) => container.name),
    plan: lines,
    warnings: plan.warnings,
  };
  return {text: [...lines, ...plan.warnings.map((warning) => `warning: ${warning}`), 'Nothing was changed (--dry-run).'].join('\n'), json};
}

/** `--target DIR`. */
export function renderInspection(report: InspectionReport): Rendered {
  const {set, restored, paths, warnings} = report;
  const json = {state: 'done', set, restored, paths, safetySet: null, restarted: [], warnings};
  const lines = [`Wrote ${restored.join(' and ')} of set ${set}; nothing live was touched:`, ...paths.map((path) => `  ${printable(path)}`), ...warnings.map((warning) => `warning: ${warning}`)];
  return {text: lines.join('\n'), json};
}
