import {exitCodes, messageOf, TimetilesError} from '../shared/errors.ts';
import type {SourceKind} from '../sources/source.ts';
import {chooseSources} from './choose-sources.ts';
import type {Context} from './context.ts';
import {delayAtRandom, findFreshSet, type FreshSet} from './fresh-set.ts';
import {readKnownSets} from './known-sets.ts';
import {withRepositoryLock} from './lock.ts';
import {makeSet, type BackupReport, type BackupRequest} from './make-set.ts';
import {offsiteLag, type OffsiteLag} from './offsite/lag.ts';
import {sendOffsite, type OffsiteReport} from './offsite/send.ts';
import {dropPreviousAfterBackup} from './previous.ts';
import {finishInterruptedRestoreOrWarn} from './recover.ts';
import {requireKnownRepository} from './repository.ts';
import {readEarlierManifests} from './suspicion.ts';
import {watchJob, type Conclusion} from './watch.ts';

interface OffsiteWish {
  /** `require`: a copy that fails fails the command. */
  readonly offsite: 'no' | 'try' | 'require';
}

/** When a backup begins, and whether it does. */
interface BackupTiming {
  /** Seconds to wait for another run to end. */
  readonly wait?: number | undefined;
  /** Begin only when the newest set is older than so many seconds. */
  readonly ifOlderThan?: number | undefined;
  /** Seconds up to which a random delay comes first. */
  readonly randomDelay?: number | undefined;
}

/** What the command line asks for. */
export interface BackupWish extends Omit<BackupRequest, 'sources'>, OffsiteWish, BackupTiming {
  /** One kind of data alone; undefined: whatever the project has. */
  readonly only: SourceKind | undefined;
}

export interface BackupOutcome extends BackupReport {
  /** Null when no offsite copy was asked for. */
  readonly offsite: OffsiteReport | null;
  /** How far the offsite copy is behind after a run that did not see to it; undefined where none is configured. */
  readonly lag: OffsiteLag | undefined;
  readonly exitCode: number;
}

/**
 * Makes one set: lock, preflight, pre command, every source, manifest, post command; then the offsite copy, whose trouble
 * never fails a good local backup unless that is wanted. How it ended is remembered and made known. Answers `fresh` where
 * `ifOlderThan` makes a set needless.
 * @throws TimetilesError for whatever keeps the set from being stored; then no set of this run is `latest`
 */
export async function backup(context: Context, request: BackupWish): Promise<BackupOutcome | FreshSet> {
  if (request.randomDelay !== undefined) await delayAtRandom(context, request.randomDelay);
  // The monitor must not be told of a start that may come to nothing.
  const heartbeat = request.ifOlderThan === undefined ? 'start and end' : 'end';
  return watchJob(context, {job: 'backup', command: request.command, heartbeat, conclude: concludeBackup}, () => makeSetAndCopy(context, request));
}

function concludeBackup(outcome: BackupOutcome | FreshSet): Conclusion | undefined {
  if (outcome.state === 'fresh') return undefined;
  const {state, set, warnings, offsite, exitCode} = outcome;
  if (exitCode !== exitCodes.failed) return {state: state === 'complete' ? 'done' : state, set, message: warnings.length === 0 ? `set ${set} is stored` : warnings.join('; ')};
  const message = `set ${set} is stored here, but its offsite copy failed: ${offsite?.message}`;
  return {state: 'failed', set, message, trouble: {key: 'backup', kind: 'offsite', message, next: 'See what stops it: timetiles offsite probe'}};
}

async function makeSetAndCopy(context: Context, request: BackupWish): Promise<BackupOutcome | FreshSet> {
  if (!request.newRepository) requireKnownRepository(context);
  return withRepositoryLock(context, request.command, async () => {
    const doubt = await finishInterruptedRestoreOrWarn(context);
    const earlier = await readEarlierManifests(context);
    const {sources, notes} = await chooseSources(context, {only: request.only, earlier});
    const fresh = request.ifOlderThan === undefined ? undefined : await findFreshSet(context, sources.map(({name}) => name), request.ifOlderThan);
    if (fresh) return fresh;
    for (const note of notes) context.log.info(note);
    const report = await makeSet(context, {...request, sources, earlier, safety: false, doubts: doubt === undefined ? [] : [doubt]});
    await dropPreviousAfterBackup(context, report);
    if (request.offsite === 'no') return {...report, offsite: null, lag: await lagAfter(context), exitCode: exitCodeOf(report)};
    const offsite = await copyOffsite(context, request, report);
    const isRequired = request.offsite === 'require' && offsite.state !== 'done';
    return {...report, offsite, lag: undefined, exitCode: isRequired ? exitCodes.failed : exitCodeOf(report)};
  }, {wait: request.wait});
}

/** An incomplete set is kept and flagged. */
function exitCodeOf(report: BackupReport): number {
  return report.state === 'complete' ? exitCodes.done : exitCodes.incomplete;
}

/** Ctrl-C here must not sound as if the local set were lost. */
async function copyOffsite(context: Context, request: BackupWish, report: BackupReport): Promise<OffsiteReport> {
  context.log.info(`set ${report.set} is stored here; copying offsite`);
  try {
    return await sendOffsite(context, {newRepository: request.newRepository, startAnew: false});
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'interrupted') throw error;
    throw new TimetilesError('interrupted', `${error.message}; set ${report.set} is stored here, its offsite copy is not finished`, 'The next timetiles backup --offsite goes on where this one stopped.', {cause: error});
  }
}

/** A backup without --offsite where a copy is configured: the operator sees how far it is behind. */
async function lagAfter(context: Context): Promise<OffsiteLag | undefined> {
  if (context.settings.RESTIC_OFFSITE_REPOSITORY === undefined) return undefined;
  try {
    return offsiteLag(context, await readKnownSets(context));
  } catch (error) {
    context.log.warn(`the offsite copy cannot be judged: ${messageOf(error)}`);
    return undefined;
  }
}
