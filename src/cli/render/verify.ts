import {exitCodeOfVerify, type VerifyReport} from '../../operations/verify.ts';
import {formatSeconds} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';

/** `backup verify`: a verdict, and for a damaged repository what is wrong and how to repair it. */
export function renderVerify(report: VerifyReport): Rendered {
  const {state, readPercent, problems, repair, newestSet, age, warnings} = report;
  const lines = state === 'ok' ? [`The repository is sound: ${whatWasRead(readPercent)}.`] : ['The repository is DAMAGED:', ...problems.map((problem) => `  ${problem}`)];
  const newest = newestSet === null ? [] : [`Newest complete set: ${newestSet}${age === null ? '' : `, made ${formatSeconds(age)} ago`}.`];
  const steps = repair.length === 0 ? [] : ['To repair it (export RESTIC_PASSWORD first):', ...repair.map((step, index) => `  ${index + 1}. ${step}`)];
  return {
    text: [...lines, ...newest, ...steps, ...warnings.map((warning) => `warning: ${warning}`)].join('\n'),
    json: {state, readPercent, problems, repair, newestSet, age, warnings},
    exitCode: exitCodeOfVerify(report),
  };
}

function whatWasRead(percent: number): string {
  if (percent === 0) return 'its structure was checked (--read-data also reads the content)';
  return percent === 100 ? 'its structure was checked and all of its data read' : `its structure was checked and ${percent}% of its data read`;
}
