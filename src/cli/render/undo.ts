import type {Previous} from '../../operations/previous.ts';
import type {ShownPlan, UndoOutcome} from '../../operations/undo.ts';
import {formatBytes, formatSeconds} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {renderRestore} from './restore.ts';

/** `--undo`, whichever way it went. */
export function renderUndo(outcome: Exclude<UndoOutcome, {state: 'planned'}>): Rendered {
  if (outcome.state === 'done') return renderRestore(outcome);
  const {undone, restoredAt, sources, safetySet, restarted, seconds} = outcome;
  const lines = [
    `The restore of set ${undone}, made ${restoredAt}, is undone: ${sources.join(' and ')} as before it, in ${formatSeconds(seconds)}.`,
    ...(restarted.length === 0 ? [] : [`Running again: ${restarted.join(', ')}`]),
    safetySet === null ? 'What was live until now was not saved; this cannot be undone.' : `What was live until now is set ${safetySet}; to return to it: timetiles restore ${safetySet}`,
  ];
  return {text: lines.join('\n'), json: {...outcome}};
}

/** `--undo --dry-run`. */
export function renderShownPlan({lines, warnings}: ShownPlan): Rendered {
  return {
    text: [...lines, ...warnings.map((warning) => `warning: ${warning}`), 'Nothing was changed (--dry-run).'].join('\n'),
    json: {state: 'planned', plan: lines, warnings},
  };
}

/** `--drop-previous`. */
export function renderDropped(dropped: Previous | undefined): Rendered {
  if (!dropped) return {text: 'No restore has kept anything: nothing to remove.', json: {state: 'nothing'}};
  const {set, bytes, safetySet} = dropped;
  const way = safetySet === null ? 'There is no safety set of it.' : `To return to it: timetiles restore ${safetySet}`;
  return {text: `Removed the state before the restore of set ${set}: ${formatBytes(bytes)} are free again. ${way}`, json: {state: 'dropped', set, bytes, safetySet}};
}
