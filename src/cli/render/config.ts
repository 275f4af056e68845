import type {FileCheck} from '../../config/check-file.ts';
import type {EffectiveConfiguration, EffectiveValue} from '../../config/effective.ts';
import {exitCodes} from '../../shared/errors.ts';
import {printable} from '../../shared/printable.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

export function renderEffective({home, files, groups}: EffectiveConfiguration): Rendered {
  const values = groups.flatMap((group) => group.values);
  const head = renderTable([['Directory', home], ...files.map(({path, read}) => [read ? 'Read' : 'Not there', path])]);
  // One table, so that the columns of all groups stand below each other.
  const lines = renderTable(values.map((value) => [`  ${value.key}`, shownValue(value), shownOrigin(value)])).split('\n');
  const sections = groups.map((group) => [group.title, ...lines.splice(0, group.values.length)].join('\n'));
  return {text: [head, ...sections].join('\n\n'), json: {home, files, values}};
}

function shownValue({value, secret, unexpanded}: EffectiveValue): string {
  if (unexpanded !== undefined) return 'not expanded';
  if (value === null) return secret ? 'not set' : '-';
  return secret ? 'set' : printable(value);
}

function shownOrigin({origin, expandedFrom, unexpanded}: EffectiveValue): string {
  const place = origin.kind === 'file' ? `${origin.file}:${origin.line}` : origin.kind;
  if (unexpanded !== undefined) return `${place}, ${unexpanded}`;
  return expandedFrom === undefined ? place : `${place}, expanded from ${expandedFrom.join(', ')}`;
}

/** The bare sentence about a file without a password: what reads like an error to who wrote it is none before bootstrap. */
const noPassword = 'RESTIC_PASSWORD is not set; bootstrap generates one';

export function renderChecks(checks: readonly FileCheck[]): Rendered {
  const withoutPassword = !checks.some((check) => check.hasPassword);
  const lines = checks.flatMap(({path, problems, values}) => {
    if (problems.length === 0) return [`${path}: nothing is wrong, ${values === 1 ? '1 value' : `${values} values`}`];
    return problems.flatMap(({line, message, next}) => [`${path}${line === undefined ? '' : `:${line}`}: ${message}`, `    ${next}`]);
  });
  const isFine = checks.every(({problems}) => problems.length === 0);
  const last = lines.length - 1;
  if (withoutPassword) {
    if (isFine) lines[last] += `; ${noPassword}`;
    else lines.push(`${noPassword}.`);
  }
  return {
    text: lines.join('\n'),
    json: {state: isFine ? 'ok' : 'fail', hasPassword: !withoutPassword, files: checks.map(({path, problems, values}) => ({path, values, problems}))},
    exitCode: isFine ? exitCodes.done : exitCodes.usage,
  };
}
