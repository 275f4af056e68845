import {exitCodeOf, type BackupReport} from '../../operations/backup.ts';
import {formatBytes, formatSeconds, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

export function renderBackup(report: BackupReport): Rendered {
  const rows = report.records.map((record) => [
    `  ${record.source}`,
    record.snapshot.slice(0, 8),
    formatBytes(record.bytes),
    plural(record.files, 'file'),
    `added ${formatBytes(record.added)}`,
    formatSeconds(record.seconds),
  ]);
  const lines = [`Set ${report.set} is ${report.state}.`, renderTable(rows), ...report.warnings.map((warning) => `  warning: ${warning}`)];
  const json = {
    state: report.state,
    set: report.set,
    time: report.time.toISOString(),
    snapshots: report.records.map(({source, snapshot, bytes, added, files, seconds}) => ({source, id: snapshot, bytes, added, files, seconds})),
    offsite: null,
    warnings: report.warnings,
  };
  return {text: lines.join('\n'), json, exitCode: exitCodeOf(report)};
}
