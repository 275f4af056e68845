import {causeOf, messageOf, toTimetilesError, type TimetilesError} from '../shared/errors.ts';
import {findingFamilies} from './alert-keys.ts';
import {alertFindings, raiseAlert, settleAlert} from './alerts.ts';
import {uninterruptible, type Context} from './context.ts';
import type {Finding} from './health.ts';
import {startHeartbeat, type Heartbeat} from './heartbeat.ts';
import {recordRun, type Job, type RunRecord} from './run-records.ts';
import {assessHealth} from './status.ts';

/** What a result means to those who were not there. */
export interface Conclusion {
  readonly state: RunRecord['state'];
  readonly message?: string | undefined;
  readonly set?: string | undefined;
  /** What is wrong although the work came to its end. */
  readonly trouble?: Finding;
  /** Alerts that this result disproves, beside the job's own. */
  readonly settles?: readonly string[];
}

export interface Watched<Result> {
  readonly job: Job;
  /** Such as `timetiles backup`. */
  readonly command: string;
  /** What a monitor is told; nothing unless given. */
  readonly heartbeat?: 'start and end' | 'end';
  /** Undefined for a result that is no run of the job: the backups were looked at, and none was due. */
  readonly conclude: (result: Result) => Conclusion | undefined;
}

/**
 * Runs what works at night, remembers how it ended, and makes known what failed: heartbeat (of a backup), alerts, and
 * recovery. The result, or the error, is that of the work.
 */
export async function watchJob<Result>(context: Context, watched: Watched<Result>, work: () => Promise<Result>): Promise<Result> {
  const {command, heartbeat: beats} = watched;
  // Ctrl-C ends the work, and is then told like any other end.
  const quiet = uninterruptible(context);
  const heartbeat = beats && startHeartbeat(quiet, command, beats);
  let result: Result;
  try {
    result = await work();
  } catch (thrown) {
    await noteError(quiet, watched, toTimetilesError(causeOf(thrown, context.signal)), heartbeat);
    throw thrown;
  }
  const conclusion = watched.conclude(result);
  if (conclusion) await noteResult(quiet, watched, conclusion, heartbeat);
  else await alertHealth(quiet, command, {onlyNews: true});
  return result;
}

async function noteError(context: Context, {job, command}: Pick<Watched<unknown>, 'job' | 'command'>, error: TimetilesError, heartbeat: Heartbeat | undefined): Promise<void> {
  const {kind, message, next} = error;
  // Then another run is at work, and this one was none. When that lasts, the age of the backups tells.
  if (kind === 'locked' || kind === 'repository-locked') return;
  await remember(context, job, {state: 'failed', message});
  await heartbeat?.end('fail', `${message}\n${next}`);
  if (kind === 'interrupted' || kind === 'usage') return;
  await raiseAlert(context, {key: job, kind, message, next, command});
  if (job === 'backup') await alertHealth(context, command, {afterFailure: true});
}

async function noteResult(context: Context, {job, command}: Pick<Watched<unknown>, 'job' | 'command'>, conclusion: Conclusion, heartbeat: Heartbeat | undefined): Promise<void> {
  const {state, message, set, trouble, settles = []} = conclusion;
  await remember(context, job, {state, message, set});
  await heartbeat?.end(state === 'failed' ? 'fail' : 'success', message ?? '');
  if (trouble) await raiseAlert(context, {...trouble, command});
  for (const key of [job, ...settles]) if (key !== trouble?.key) await settleAlert(context, key);
  if (job === 'backup') await alertHealth(context, command, {afterFailure: state === 'failed'});
}

/** A disk that is too full to remember a run is no reason to fail it. */
async function remember(context: Context, job: Job, {state, message, set}: Pick<Conclusion, 'state' | 'message' | 'set'>): Promise<void> {
  try {
    await recordRun(context, job, {time: context.clock.now().toISOString(), state, message: message ?? null, set: set ?? null});
  } catch (error) {
    context.log.warn(`this run cannot be remembered: ${messageOf(error)}`);
  }
}

/** @param options `onlyNews`: this look is made every hour, and what was told already is left to the nights */
async function alertHealth(context: Context, command: string, {afterFailure = false, onlyNews = false}: {afterFailure?: boolean; onlyNews?: boolean}): Promise<void> {
  // The failure itself has been told: that the backups grow old with it is no news.
  const families = findingFamilies.filter((family) => !afterFailure || family !== 'stale');
  try {
    await alertFindings(context, await assessHealth(context), {command, families, onlyNews});
  } catch (error) {
    const text = `the age of the backups cannot be judged: ${messageOf(error)}`;
    // After a failure mostly for the reason that has just been told.
    if (afterFailure) context.log.debug(text);
    else context.log.warn(text);
  }
}
