import type {Check} from '../../operations/doctor-check.ts';
import {exitCodes} from '../../shared/errors.ts';
import type {Rendered} from '../base-command.ts';

const marks = {ok: 'ok  ', warn: 'WARN', fail: 'FAIL'} as const;

export function renderDoctor(checks: readonly Check[]): Rendered {
  const failed = checks.some((check) => check.state === 'fail');
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.flatMap(({state, name, message, remedy}) => [
    `${marks[state]}  ${name.padEnd(width)}  ${message}`,
    ...(remedy === undefined ? [] : remedy.split('\n').map((line) => `${' '.repeat(width + 8)}${line}`)),
  ]);
  const verdict = failed ? 'A backup would fail.' : 'A backup can run.';
  return {
    text: [...lines, verdict].join('\n'),
    json: {state: failed ? 'fail' : 'ok', checks},
    exitCode: failed ? exitCodes.failed : exitCodes.done,
  };
}
