import {checkRepository, type CheckResult} from '../restic/check.ts';
import {findDamagedFiles, type DamagedFile, type DataPart} from '../restic/digests.ts';
import {repositoryExists, repositoryIsWritable} from '../restic/handle.ts';
import {removeDeadLocks} from '../restic/locks.ts';
import {repairSteps} from '../restic/repair.ts';
import {exitCodes, messageOf, TimetilesError} from '../shared/errors.ts';
import {damageKeys, type Place} from './alert-keys.ts';
import type {Context} from './context.ts';
import {withRepositoryLock} from './lock.ts';
import {finishInterruptedRestoreOrWarn} from './recover.ts';
import {clearDeadLocks} from './repository.ts';
import {requireRepository} from './sets.ts';
import {checkNewestSet} from './verify-newest.ts';
import {allData, nextPart, rememberPart} from './verify-part.ts';
import {watchJob, type Conclusion} from './watch.ts';

export interface VerifyOptions {
  /** How much of the packs' content is read: 0, the structure alone, to 100. */
  readonly readPercent: number;
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
}

export interface VerifyReport {
  readonly state: 'ok' | 'damaged';
  /** What was asked for. */
  readonly readPercent: number;
  /** The part of the packs whose content was read; null when the structure alone was checked. */
  readonly part: DataPart | null;
  /** What is wrong, mostly in restic's words. */
  readonly problems: readonly string[];
  /** How to repair it with the restic of this host, one step per line. */
  readonly repair: readonly string[];
  /** How many sets there are; null when they could not be listed. */
  readonly sets: number | null;
  /** Id of the newest complete set, whose manifest was read. */
  readonly newestSet: string | null;
  /** Its age in seconds. */
  readonly age: number | null;
  readonly warnings: readonly string[];
}

/** More than these tell nobody more, and could fill the memory. */
const problemsToKeep = 1000;
const problemLength = 400;

/** Exit code for a report: damage is a failure. */
export function exitCodeOfVerify(report: VerifyReport): number {
  return report.state === 'ok' ? exitCodes.done : exitCodes.failed;
}

/**
 * Checks the repository: its structure, as much of its content as is asked for, and that the newest complete set is whole.
 * @throws TimetilesError for whatever keeps the check from being made; damage is a result
 */
export async function verifyRepository(context: Context, options: VerifyOptions): Promise<VerifyReport> {
  const command = 'timetiles backup verify';
  const work = async () => {
    await finishInterruptedRestoreOrWarn(context);
    return verifyUnlocked(context, options);
  };
  return watchJob(context, {job: 'verify', command, conclude: (report) => concludeVerify(report, 'local', `the repository ${context.restic.repository}`)}, async () => {
    requireRepository(context);
    return withRepositoryLock(context, command, work, {readOnlyRepository: 'proceed', wait: options.wait});
  });
}

/** A check that could be made has not failed, whatever it found: damage is trouble of its own. */
export function concludeVerify({state, readPercent, problems, repair, newestSet}: VerifyReport, place: Place, what: string): Conclusion {
  const keys = damageKeys(place);
  const set = newestSet ?? undefined;
  if (state === 'ok') return {state: 'done', set, settles: readPercent === 100 ? [keys.structure, keys.data] : [keys.structure]};
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const message = `${what} is damaged: ${problems[0]}${more}`;
  return {state: 'failed', set, message, trouble: {key: readPercent === 0 ? keys.structure : keys.data, kind: 'repository-damaged', message, next: repair.join('\n')}};
}

/** The same for any repository, such as an offsite copy: `{...context, restic}`. */
export async function verifyUnlocked(context: Context, {readPercent}: VerifyOptions): Promise<VerifyReport> {
  const version = await context.resticVersion();
  const part = nextPart(context, readPercent);
  context.log.info(`checking the structure of the repository${part === undefined ? '' : `, and reading ${part.of === 1 ? 'all of its data' : `part ${part.number} of ${part.of} of its data`}`}`);
  // Before anything asks restic, which a damaged key keeps from the repository.
  const structural = repositoryExists(context.restic) ? await findDamagedFiles(context.restic, ['keys', 'snapshots', 'index'], allData) : [];
  if (repositoryIsWritable(context.restic) && structural.every(({kind}) => kind !== 'keys')) await removeDeadLocks(context.restic);
  const check = await runCheck(context, part, structural);
  const packs = structural.length === 0 || part === undefined ? [] : await findDamagedPacks(context, part, check);
  if (part) await rememberPart(context, part);

  const found = [...structural, ...packs];
  const isDamaged = found.length > 0 || check.state === 'damaged';
  const newest = await checkNewestSet(context, isDamaged);
  const problems = [...found.map(({problem}) => problem), ...(check.state === 'damaged' ? otherProblems(check.problems, structural) : []), ...newest.problems];
  return {
    state: problems.length === 0 ? 'ok' : 'damaged',
    readPercent,
    part: part ?? null,
    problems: problems.slice(0, problemsToKeep).map((problem) => (problem.length > problemLength ? `${problem.slice(0, problemLength)}…` : problem)),
    repair: problems.length === 0 ? [] : repairSteps(context.restic.repository, version, {structural, isConfigDamaged: check.state === 'damaged' && check.isConfigDamaged, packs: [...(check.state === 'damaged' ? check.damagedPacks : []), ...packs.map(({id}) => id)]}),
    sets: newest.sets,
    newestSet: newest.set?.id ?? null,
    age: newest.age,
    warnings: newest.warnings,
  };
}

/** Whatever keeps restic from checking a repository that was found damaged is part of the damage. */
async function runCheck(context: Context, part: DataPart | undefined, structural: readonly DamagedFile[]): Promise<CheckResult> {
  try {
    return await checkRepository(context.restic, part, (progress) => context.log.progress({label: 'verify', ...progress}));
  } catch (error) {
    if (structural.length > 0 && error instanceof TimetilesError && /^repository(-damaged|-password)?$/.test(error.kind)) return {state: 'damaged', problems: [messageOf(error)], damagedPacks: [], isConfigDamaged: false};
    await clearDeadLocks(context);
    throw error;
  }
}

/** restic reads no data after some damage to the structure; the packs that it named need not be named again. */
async function findDamagedPacks(context: Context, part: DataPart, check: CheckResult): Promise<DamagedFile[]> {
  const found = await findDamagedFiles(context.restic, ['data'], part, (progress) => context.log.progress({label: 'verify', ...progress}));
  return found.filter(({id}) => check.state === 'ok' || !check.damagedPacks.includes(id));
}

/** restic's words on files that are named already say nothing more. */
function otherProblems(problems: readonly string[], structural: readonly DamagedFile[]): string[] {
  return problems.filter((problem) => structural.every(({id}) => !problem.includes(id.slice(0, 8))));
}
