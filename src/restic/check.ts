import type {Progress} from '../shared/log.ts';
import {parseCounter} from './counter.ts';
import type {DataPart} from './digests.ts';
import {resticError} from './errors.ts';
import {repositoryIsWritable, type ResticHandle} from './handle.ts';
import {startRestic} from './run.ts';

export type CheckResult =
  | {readonly state: 'ok'}
  | {
      readonly state: 'damaged';
      /** restic's words, one text per problem. */
      readonly problems: readonly string[];
      /** Full ids of the packs that are there and wrong. */
      readonly damagedPacks: readonly string[];
      readonly isConfigDamaged: boolean;
    };

/** More lines of a badly damaged repository say nothing new, and could fill the memory. */
const linesToKeep = 1000;

/** What restic says last of a repository that it could read and found damaged; any other failure is none of the check. */
const verdicts = /repository contains errors|LoadIndex returned errors|(config or key|config file) .*is damaged/;

/** Of a damaged config, whose name is no digest: the key opened, and what it seals does not. */
const configDamage = /^(config or key|config file) .*is damaged/;

/** Lines that are no finding: attempts, the verdict, and restic's own advice, whose place is taken by `repairSteps`. */
const remarks = /^(\s*$|Load\(|unable to create temporary directory|Fatal: (repository contains|LoadIndex returned)|The repository |restic repair |Damaged pack files can|\[[\d:]+\] )/;

/** The argv of a check: of the structure, and of the content of one part of the packs. */
export function checkArgs(part: DataPart | undefined, writable: boolean): string[] {
  const reading = part === undefined ? [] : part.of === 1 ? ['--read-data'] : [`--read-data-subset=${part.number}/${part.of}`];
  return ['check', ...(writable ? [] : ['--no-lock']), ...reading];
}

/**
 * Checks the repository. Damage is a result; only a check that could not be made is an error.
 * @param part whose content is read; undefined: the structure alone
 */
export async function checkRepository(handle: ResticHandle, part: DataPart | undefined, onProgress: (progress: Omit<Progress, 'label'>) => void): Promise<CheckResult> {
  const lines: string[] = [];
  const result = await startRestic(handle, checkArgs(part, repositoryIsWritable(handle)), {
    stdout: {
      onLine: (line) => {
        const progress = parseCounter(line);
        if (progress) onProgress(progress);
      },
    },
    onStderrLine: (line) => void (lines.length < linesToKeep && lines.push(line)),
  }).result;
  if (result.exitCode === 0) return {state: 'ok'};
  // The end of stderr is in the result, however much came before it.
  if (!verdicts.test(result.stderr)) throw resticError(handle, 'checking the repository', result);
  return {state: 'damaged', ...readFindings(lines)};
}

/** Makes problems of the lines of a check. Pure. */
export function readFindings(lines: readonly string[]): {problems: string[]; damagedPacks: string[]; isConfigDamaged: boolean} {
  const problems: string[] = [];
  for (const line of lines) {
    const previous = problems.at(-1);
    // "error for tree 9f866cb4:" is followed by indented lines that say what.
    if (/^\s+\S/.test(line) && previous !== undefined) problems[problems.length - 1] = `${previous} ${line.trim()}`;
    else if (!remarks.test(line)) problems.push(line.replace(/^(Fatal|error): /, ''));
  }
  const wrong = lines.filter((line) => !line.endsWith('does not exist')).flatMap(packsNamedBy);
  return {problems, damagedPacks: [...new Set(wrong)], isConfigDamaged: problems.some((problem) => configDamage.test(problem))};
}

function packsNamedBy(line: string): string[] {
  // Newer versions name all damaged packs in their own advice.
  if (line.startsWith('restic repair packs ')) return line.match(/[0-9a-f]{64}/g) ?? [];
  return /^(?:pack|Pack ID does not match, want) ([0-9a-f]{64})/.exec(line)?.slice(1) ?? [];
}
