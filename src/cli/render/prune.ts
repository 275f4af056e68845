import type {PruneReport} from '../../operations/prune-repository.ts';
import type {PruneOutcome} from '../../operations/prune.ts';
import type {KeepReason, RemoveReason} from '../../operations/retention.ts';
import type {BackupSet} from '../../operations/sets.ts';
import {formatAge, formatBytes, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {stateOf} from './list.ts';
import {renderTable} from './table.ts';

const keepWords: Readonly<Partial<Record<KeepReason, string>>> = {
  newest: 'newest of its kind',
  'restore-tested': 'last that passed a restore test',
  unfinished: 'its run may still go on, or nothing newer holds the same',
  future: 'its time is in the future',
  held: 'no rule keeps it, but nothing goes for now',
};
const removeWords: Readonly<Record<RemoveReason, string>> = {
  expired: 'no rule keeps it',
  unfinished: 'its run died, and newer sets are complete',
};

/** `backup prune`: every set, newest first, with what happens to it and why. */
export function renderPrune(report: PruneOutcome, now: Date): Rendered {
  const verb = report.dryRun ? 'would be removed' : 'removed';
  const lines = [
    ...report.kept.map(({set, reasons}) => ({set, text: `kept: ${reasons.map((reason) => keepWords[reason] ?? reason).join(', ')}`})),
    ...report.removed.map(({set, reason}) => ({set, text: `${verb}: ${removeWords[reason]}`})),
  ].toSorted((a, b) => (a.set.id < b.set.id ? 1 : -1));
  const rows = lines.map(({set, text}) => [set.id, formatAge(set.time, now), stateOf(set), text]);
  const table = rows.length === 0 ? [] : [renderTable([['SET', 'AGE', 'STATE', 'DECISION'], ...rows])];
  const {offsite} = report;
  const there = offsite ? [`Offsite: ${offsite.state}, ${offsite.message}.`] : [];
  return {
    text: [...table, verdict(report), ...report.warnings.map((warning) => `warning: ${warning}`), ...there].join('\n'),
    json: {...toJson(report), offsite: offsite && {state: offsite.state, message: offsite.message, ...(offsite.report && toJson(offsite.report))}},
  };
}

function toJson(report: PruneReport) {
  return {
    dryRun: report.dryRun,
    removed: report.removed.map(({set, reason}) => ({...describe(set), reason})),
    kept: report.kept.map(({set, reasons}) => ({...describe(set), reasons})),
    freedBytes: report.freedBytes,
    held: report.held,
    warnings: report.warnings,
  };
}

function verdict({dryRun, removed, kept, freedBytes, held}: PruneReport): string {
  if (held !== null) return `Nothing ${dryRun ? 'would be' : 'was'} removed: ${held}.\nLook at it: timetiles backup status. To remove what no rule keeps all the same: timetiles backup prune --force`;
  const stay = `${plural(kept.length, 'set')} ${kept.length === 1 ? 'stays' : 'stay'}`;
  if (dryRun) return `${plural(removed.length, 'set')} would be removed${freedBytes === null ? '' : `, which frees about ${formatBytes(freedBytes)}`}; ${stay}. Nothing was changed.`;
  return `Removed ${plural(removed.length, 'set')}${freedBytes === null ? '' : ` and freed ${formatBytes(freedBytes)}`}; ${stay}.`;
}

function describe(set: BackupSet) {
  return {set: set.id, time: set.time.toISOString(), state: set.state};
}
