import type {InspectionReport} from '../../operations/inspect.ts';
import type {MissingData} from '../../operations/damage-kinds.ts';
import {describePlan, type RestorePlan} from '../../operations/restore-plan.ts';
import type {RestoreReport} from '../../operations/restore.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatSeconds, plural} from '../../shared/format.ts';
import {printable} from '../../shared/printable.ts';
import type {Rendered} from '../base-command.ts';
import {describePrevious} from './previous.ts';

export function renderRestore(report: RestoreReport): Rendered {
  const {set, restored, safetySet, restarted, seconds, previous, missing, remarks} = report;
  const lines = [
    `Restored ${restored.join(' and ')} from set ${set} in ${formatSeconds(seconds)}.`,
    ...describeMissing(missing, 'stays as it was'),
    ...remarks.map((remark) => `note: ${remark}`),
    ...(restarted.length === 0 ? [] : [`Running again: ${restarted.join(', ')}`]),
    ...describePrevious(previous, safetySet),
  ];
  const json = {state: 'done', set, restored, safetySet, restarted, seconds, missing, remarks, previous: previous ? {kept: previous.kept, bytes: previous.bytes, until: previous.until} : null};
  return {text: lines.join('\n'), json, exitCode: exitCodeOf(missing)};
}

/** What is missing makes no success. */
function exitCodeOf(missing: readonly MissingData[]): number {
  return missing.length === 0 ? exitCodes.done : exitCodes.incomplete;
}

/** More than these belong into the JSON. */
const pathsToShow = 20;

function describeMissing(missing: readonly MissingData[], whole: string): string[] {
  const advice = missing.length === 0 ? [] : ['The repository is damaged, and so may new sets be until it is repaired; how: timetiles backup verify --read-data'];
  const lost = missing.flatMap(({source, paths, reason}) => {
    if (reason !== null) return [`NOT restored: ${source}, which ${whole}: ${reason}`];
    const more = paths.length > pathsToShow ? [`  and ${paths.length - pathsToShow} more; --json names all`] : [];
    return [`NOT restored, damaged in the repository: ${plural(paths.length, 'file or folder', 'files or folders')} of ${source}:`, ...paths.slice(0, pathsToShow).map((path) => `  ${path}`), ...more];
  });
  return [...lost, ...advice];
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
  const {set, restored, paths, warnings, missing} = report;
  const json = {state: 'done', set, restored, paths, safetySet: null, restarted: [], warnings, missing};
  const lines = [`Wrote ${restored.join(' and ')} of set ${set}; nothing live was touched:`, ...paths.map((path) => `  ${printable(path)}`), ...describeMissing(missing, 'was not written'), ...warnings.map((warning) => `warning: ${warning}`)];
  return {text: lines.join('\n'), json, exitCode: exitCodeOf(missing)};
}
