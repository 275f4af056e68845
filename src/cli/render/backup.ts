import type {BackupOutcome} from '../../operations/backup.ts';
import type {FreshSet} from '../../operations/fresh-set.ts';
import type {OffsiteReport} from '../../operations/offsite/send.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatAge, formatBytes, formatSeconds, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {describeLag} from './lag.ts';
import {renderTable} from './table.ts';

export function renderBackup(outcome: BackupOutcome): Rendered {
  const rows = outcome.records.map((record) => [
    `  ${record.source}`,
    record.snapshot.slice(0, 8),
    formatBytes(record.bytes),
    plural(record.files, 'file'),
    `added ${formatBytes(record.added)}`,
    formatSeconds(record.seconds),
  ]);
  const lines = [
    `Set ${outcome.set} is ${outcome.state}${outcome.suspicions.length === 0 ? '' : ', but suspicious'}.`,
    renderTable(rows),
    ...outcome.warnings.map((warning) => `  warning: ${warning}`),
    ...outcome.notes.map((note) => `  note: ${note}`),
    ...(outcome.offsite ? [describeOffsite(outcome.offsite)] : []),
    ...(outcome.lag ? [describeLag(outcome.lag)] : []),
  ];
  const json = {
    state: outcome.state,
    set: outcome.set,
    time: outcome.time.toISOString(),
    snapshots: outcome.records.map(({source, snapshot, bytes, added, files, seconds}) => ({source, id: snapshot, bytes, added, files, seconds})),
    suspicious: outcome.suspicions.length > 0,
    suspicions: outcome.suspicions,
    missingFiles: outcome.missingFiles ?? null,
    offsite: outcome.offsite,
    warnings: outcome.warnings,
    notes: outcome.notes,
  };
  return {text: lines.join('\n'), json, exitCode: outcome.exitCode};
}

/** A run that found nothing to do. */
export function renderFresh({set, time}: FreshSet, now: Date): Rendered {
  return {
    text: `Set ${set} was made ${formatAge(time, now)}: nothing to do.`,
    json: {state: 'fresh', set, time: time.toISOString()},
  };
}

/** The report of a command that is about the offsite copy alone, where its trouble is a failure. */
export function renderOffsite(report: OffsiteReport): Rendered {
  return {text: describeOffsite(report), json: report, exitCode: report.state === 'done' ? exitCodes.done : exitCodes.failed};
}

function describeOffsite({state, message, lagSets}: OffsiteReport): string {
  const behind = lagSets === null || lagSets === 0 ? '' : ` The offsite copy is ${plural(lagSets, 'set')} behind.`;
  // A failure was told as a warning already, with its next step.
  return state === 'failed' ? `Offsite: failed.${behind}` : `Offsite: ${state}, ${message}.${behind}`;
}
