import {exitCodeOfVerify, type VerifyReport} from '../../operations/verify.ts';
import type {UploadRecord} from '../../operations/offsite/verify.ts';
import {formatBytes, formatSeconds, plural} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';

/** `backup verify --offsite` with credentials that cannot read: what was verified at the upload. No error, and no alert. */
export function renderUploadRecord(record: UploadRecord): Rendered {
  const {message, next, epoch, files, bytes} = record;
  const known =
    epoch === null
      ? 'This host knows of no copy yet: timetiles backup --offsite'
      : `Verified at the upload: ${plural(files, 'object')} of epoch ${epoch}, ${formatBytes(bytes)}; each was read here, its SHA-256 compared with its name, and sent signed with that digest, so that the service refused anything else.`;
  return {text: [`The offsite copy cannot be read from here: ${message}.`, known, next].join('\n'), json: {...record, begun: record.begun?.toISOString() ?? null}};
}

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
