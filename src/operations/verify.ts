import {checkRepository} from '../restic/check.ts';
import {repositoryIsWritable} from '../restic/handle.ts';
import {removeDeadLocks} from '../restic/locks.ts';
import {repairSteps} from '../restic/repair.ts';
import {exitCodes, messageOf, TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import type {Context} from './context.ts';
import {withRepositoryLock} from './lock.ts';
import {readStoredManifest} from './manifest.ts';
import {finishInterruptedRestore} from './recover.ts';
import {clearDeadLocks} from './repository.ts';
import {readSets, requireRepository, type BackupSet} from './sets.ts';

export interface VerifyOptions {
  /** How much of the packs' content is read: 0, the structure alone, to 100. */
  readonly readPercent: number;
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
}

export interface VerifyReport {
  readonly state: 'ok' | 'damaged';
  readonly readPercent: number;
  /** What is wrong, mostly in restic's words. */
  readonly problems: readonly string[];
  /** How to repair it with the restic of this host, one step per line. */
  readonly repair: readonly string[];
  /** Id of the newest complete set, whose manifest was read. */
  readonly newestSet: string | null;
  /** Its age in seconds. */
  readonly age: number | null;
  readonly warnings: readonly string[];
}

/** More than these tell nobody more. */
const problemsToTell = 20;
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
  requireRepository(context);
  const work = async () => {
    await finishInterruptedRestore(context);
    return verifyUnlocked(context, options);
  };
  return withRepositoryLock(context, 'timetiles backup verify', work, {readOnlyRepository: 'proceed', wait: options.wait});
}

/** The same for any repository, such as an offsite copy: `{...context, restic}`. */
export async function verifyUnlocked(context: Context, {readPercent}: VerifyOptions): Promise<VerifyReport> {
  const version = await context.resticVersion();
  if (repositoryIsWritable(context.restic)) await removeDeadLocks(context.restic);
  context.log.info(readPercent === 0 ? 'checking the structure of the repository' : `checking the repository and reading ${readPercent}% of its data`);
  const check = await runCheck(context, readPercent);
  const newest = await checkNewestSet(context, check.state === 'damaged');
  const problems = [...(check.state === 'damaged' ? check.problems : []), ...newest.problems];
  return {
    state: problems.length === 0 ? 'ok' : 'damaged',
    readPercent,
    problems: shorten(problems),
    repair: problems.length === 0 ? [] : repairSteps(context.restic.repository, version, check.state === 'damaged' ? check.damagedPacks : []),
    newestSet: newest.set?.id ?? null,
    age: newest.set ? Math.round((context.clock.now().getTime() - newest.set.time.getTime()) / 1000) : null,
    warnings: newest.warnings,
  };
}

async function runCheck(context: Context, readPercent: number) {
  try {
    return await checkRepository(context.restic, readPercent, (progress) => context.log.progress({label: 'verify', ...progress}));
  } catch (error) {
    await clearDeadLocks(context);
    throw error;
  }
}

interface NewestSet {
  readonly set: BackupSet | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads the manifest of the newest complete set from the repository and looks for every snapshot that it names. */
async function checkNewestSet(context: Context, isDamaged: boolean): Promise<NewestSet> {
  let set: BackupSet | undefined;
  try {
    const sets = await readSets(context);
    set = sets.find((candidate) => candidate.state === 'complete' && !candidate.isSafety);
    if (set?.manifest === undefined) {
      return {set: undefined, problems: [], warnings: [sets.length === 0 ? 'the repository has no sets yet' : `none of the ${plural(sets.length, 'set')} is complete`]};
    }
    return {set, problems: missingSnapshots(set, await readStoredManifest(context, set.manifest)), warnings: []};
  } catch (error) {
    // In a damaged repository this may fail in any way; in a sound one only the manifest itself can be the cause.
    if (!(error instanceof TimetilesError) || (error.kind !== 'repository' && !(isDamaged && error.kind === 'repository-missing'))) throw error;
    return {set, problems: [messageOf(error)], warnings: []};
  }
}

/** `restic copy` gives snapshots new ids and notes the old ones; `restic repair` does so too, for snapshots that have lost files. */
function missingSnapshots(set: BackupSet, manifest: {sources: readonly {source: string; snapshot: string}[]}): string[] {
  const isThere = (id: string) => set.snapshots.some(({snapshot}) => snapshot.id === id || (snapshot.original === id && !snapshot.tags.includes('repaired')));
  return manifest.sources
    .filter(({snapshot}) => !isThere(snapshot))
    .map(({source, snapshot}) => `set ${set.id} is without its snapshot ${snapshot.slice(0, 8)} of ${source}, or that was altered`);
}

function shorten(problems: readonly string[]): string[] {
  const told = problems.slice(0, problemsToTell).map((problem) => (problem.length > problemLength ? `${problem.slice(0, problemLength)}…` : problem));
  const more = problems.length - told.length;
  return more === 0 ? told : [...told, `and ${more} more`];
}
