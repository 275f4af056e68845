import type {Evidence} from '../../operations/evidence.ts';
import type {SourceProof} from '../../operations/prove.ts';
import type {RestoreTestReport} from '../../operations/restore-test.ts';
import {exitCodes} from '../../shared/errors.ts';
import {formatAge, formatSeconds} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

const marks = {passed: 'ok', skipped: '-', failed: 'FAIL'} as const;

/** `backup verify --restore-test`: a verdict, and below it every check of each source. A set that fails is exit 1. */
export function renderRestoreTest(report: RestoreTestReport): Rendered {
  const {state, set, from, repository, time, image, proofs, warnings, seconds} = report;
  const lines = [
    state === 'passed' ? `Set ${set} can be restored: tested in ${formatSeconds(seconds)}, from ${repository}.` : `Set ${set} CANNOT be restored as it was: tested in ${formatSeconds(seconds)}, from ${repository}.`,
    ...(image ? [`Image: ${image.name}, ${image.id.slice(0, 19)}.`] : []),
    ...renderProofs(proofs),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return {
    text: lines.join('\n'),
    json: {state, set, from, repository, time: time.toISOString(), image, sources: proofs, warnings, seconds},
    exitCode: state === 'passed' ? exitCodes.done : exitCodes.failed,
  };
}

/** Every check of each source on a line of its own. */
function renderProofs(proofs: readonly SourceProof[]): string[] {
  return proofs.flatMap(({source, checks}) => [source, ...renderTable(checks.map(({name, state, detail}) => [`  ${marks[state]}`, name, detail])).trimEnd().split('\n')]);
}

/** A restore test in a few words: `restore tested 3 days ago`. */
export function describeEvidence({state, time}: Pick<Evidence, 'state' | 'time'>, now: Date): string {
  return `${state === 'passed' ? 'restore tested' : 'restore test FAILED'} ${formatAge(new Date(time), now)}`;
}
