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

/** More lines than these tell nobody more; JSON has them all. */
const problemsToTell = 20;

/** `backup verify`: a verdict, and for a damaged repository what is wrong and how to repair it. */
export function renderVerify(report: VerifyReport): Rendered {
  const {state, readPercent, part, problems, repair, sets, newestSet, age, warnings} = report;
  const steps = repair.length === 0 ? [] : ['To repair it (export RESTIC_PASSWORD first):', ...repair.map((step, index) => `  ${index + 1}. ${step}`)];
  return {
    text: [...(state === 'ok' ? [soundness(report)] : damage(report)), ...steps, ...warnings.map((warning) => `warning: ${warning}`)].join('\n'),
    json: {state, readPercent, part, problems, repair, sets, newestSet, age, warnings},
    exitCode: exitCodeOfVerify(report),
  };
}

function soundness({part, sets, newestSet, age}: VerifyReport): string {
  const read = part === null ? 'structure checked (--read-data also reads the content)' : part.of === 1 ? 'structure checked, all of the data read' : `structure checked, part ${part.number} of ${part.of} of the data read`;
  const newest = newestSet === null ? 'no set is complete' : `newest complete set ${newestSet}${made(age)}`;
  return `The repository is sound: ${plural(sets ?? 0, 'set')}, ${read}; ${newest}.`;
}

function damage({problems, newestSet, age}: VerifyReport): string[] {
  const more = problems.length - problemsToTell;
  return [
    'The repository is DAMAGED:',
    ...problems.slice(0, problemsToTell).map((problem) => `  ${problem}`),
    ...(more > 0 ? [`  and ${more} more (--json has them all)`] : []),
    ...(newestSet === null ? [] : [`Newest complete set: ${newestSet}${made(age)}.`]),
  ];
}

function made(age: number | null): string {
  return age === null ? '' : `, made ${formatSeconds(age)} ago`;
}
