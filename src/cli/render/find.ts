import type {FileVersion, FindReport} from '../../operations/find-files.ts';
import {formatBytes, plural, shownWord} from '../../shared/format.ts';
import {printable} from '../../shared/printable.ts';
import type {Rendered} from '../base-command.ts';

/** `backup find`: a line for each version, and the command that gets it back. */
export function renderFind(report: FindReport, offsite: {repository?: string | undefined} | undefined): Rendered {
  const {versions, more, isPartial, searchedSets} = report;
  const lines = versions.flatMap((version) => [describe(version), `    ${restoreCommand(version, offsite)}`]);
  const none = versions.length === 0 ? [`Nothing of that name is in ${plural(searchedSets, 'set')}. With --ignore-case, capitals make no difference.`] : [];
  const rest = more > 0 ? [`${plural(more, 'older version')} not shown; see them with --limit ${versions.length + more}.`] : [];
  const partial = isPartial ? ['There is more than was looked at: search for a longer part of the name, or in one set with --set.'] : [];
  const json = {versions: versions.map((version) => ({...version, restore: restoreCommand(version, offsite)})), more, partial: isPartial, searchedSets};
  return {text: [...lines, ...none, ...rest, ...partial].join('\n'), json};
}

function describe({source, path, type, size, modified, sets, oldestSet, newestSet}: FileVersion): string {
  const what = size === null ? type : formatBytes(size);
  const where = sets === 1 ? `in set ${newestSet}` : `in ${sets} sets from ${oldestSet} to ${newestSet}`;
  return `${source}  ${printable(path)}${type === 'dir' ? '/' : ''}  ${what}  ${modified.slice(0, 19).replace('T', ' ')}  ${where}`;
}

function restoreCommand({source, path, newestSet}: FileVersion, offsite: {repository?: string | undefined} | undefined): string {
  const from = offsite === undefined ? [] : ['--offsite', ...(offsite.repository === undefined ? [] : ['--repository', offsite.repository])];
  // With an equals sign, since a name may begin with a dash.
  return ['timetiles', 'restore', newestSet, ...from, '--only', source, `--path=${path}`, '--target', `/tmp/restore-${newestSet}`].map(shownWord).join(' ');
}
