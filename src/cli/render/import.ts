import {basename} from 'node:path';
import type {ImportReport} from '../../operations/import.ts';
import type {ImportPlan} from '../../operations/import-plan.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatBytes, formatMinute, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

type Leftovers = Pick<ImportPlan, 'skipped' | 'refused'>;

/** The plan as a table, and what cannot be imported. */
export function describeImport(plan: ImportPlan): string[] {
  const rows = plan.sets.flatMap(({id, files}) => files.map(({file, backup, time, datedBy}) => [basename(file.path), formatBytes(file.bytes), backup.kind, `${formatMinute(time)} (${datedBy})`, id]));
  const table = rows.length === 0 ? [] : renderTable([['FILE', 'SIZE', 'KIND', 'TIME', 'SET'], ...rows]).split('\n');
  return [...table, ...describeLeftovers(plan)];
}

function describeLeftovers({skipped, refused}: Leftovers): string[] {
  return [
    ...skipped.map(({path, as}) => `skipped: ${path} is in already: ${as}`),
    ...refused.flatMap(({error}) => [`NOT imported: ${error.message}`, `  ${error.next}`]),
  ];
}

/** `--dry-run`. */
export function renderImportPlan(plan: ImportPlan): Rendered {
  const sets = plan.sets.map(({id, time, files}) => ({
    set: id,
    time: time.toISOString(),
    files: files.map(({file, source, backup, datedBy}) => ({file: file.path, bytes: file.bytes, source, kind: backup.kind, datedBy})),
  }));
  return {
    text: [...describeImport(plan), ...plan.warnings.map((warning) => `warning: ${warning}`), 'Nothing was changed (--dry-run).'].join('\n'),
    json: {state: 'planned', sets, ...leftoversToJson(plan), warnings: plan.warnings},
    exitCode: plan.refused.length > 0 ? exitCodes.failed : exitCodes.done,
  };
}

/** What was imported. */
export function renderImport({sets, skipped, refused, warnings, exitCode}: ImportReport): Rendered {
  const rows = sets.flatMap(({set, time, state, records}) => records.map((record) => [`  ${set}`, formatMinute(time), state, record.source, formatBytes(record.bytes), record.imported?.file ?? '']));
  const notes = sets.flatMap(({records}) => records.flatMap(({imported}) => (imported?.notes ?? []).map((note) => `  ${imported?.file}: ${note}`)));
  const lines = [
    `${plural(sets.length, 'set')} imported.`,
    ...(rows.length === 0 ? [] : [renderTable(rows)]),
    ...notes,
    ...describeLeftovers({skipped, refused}),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  const json = {
    state: exitCode === exitCodes.done ? 'done' : exitCode === exitCodes.incomplete ? 'incomplete' : 'failed',
    sets: sets.map(({set, time, state, records}) => ({
      set,
      time: time.toISOString(),
      state,
      snapshots: records.map(({source, snapshot, bytes, added, files, unreadable, imported}) => ({source, id: snapshot, bytes, added, files, unreadable, file: imported?.file, kind: imported?.kind, notes: imported?.notes ?? []})),
    })),
    ...leftoversToJson({skipped, refused}),
    warnings,
  };
  return {text: lines.join('\n'), json, exitCode};
}

function leftoversToJson({skipped, refused}: Leftovers) {
  return {skipped: skipped.map(({path, as}) => ({file: path, as})), refused: refused.map(({path, error: {message, next}}) => ({file: path, message, next}))};
}
