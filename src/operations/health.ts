import {formatAge, plural} from '../shared/format.ts';
import type {Evidence} from './evidence.ts';
import type {KnownSet} from './known-sets.ts';
import type {OffsiteLag} from './offsite/lag.ts';
import type {RunRecords} from './run-records.ts';
import type {ScheduleState} from './schedule.ts';
import {isWholeBackup} from './sets.ts';
import type {UnfinishedRestore} from './unfinished.ts';
import {timeOfSetId} from '../shared/set-id.ts';

/** Something that is stale, missing or wrong although no command failed just now. */
export interface Finding {
  /** Names the matter for as long as it lasts, such as `stale:db`. */
  readonly key: string;
  /** In one word of this tool's error kinds. */
  readonly kind: string;
  readonly message: string;
  readonly next: string;
}

/** What is known of restore tests, and how often one is wanted. */
export interface RestoreTestState {
  /** BACKUP_RESTORE_TEST_DAYS; 0: none is wanted. */
  readonly days: number;
  /** The last one that passed, of whatever copy. */
  readonly passed: Evidence | null;
  /** When the next one has to have passed; null when none is wanted, or there is nothing to test. */
  readonly due: Date | null;
  readonly overdue: boolean;
}

/** What the judgement rests on. */
export interface HealthFacts {
  readonly now: Date;
  /** BACKUP_MAX_AGE_HOURS. */
  readonly maxAgeHours: number;
  /** Sources that older sets hold and new ones are not meant to. */
  readonly unwanted: ReadonlySet<string>;
  /** The path of a repository that is not there. */
  readonly missingRepository: string | null;
  /** The local sets, newest first. */
  readonly sets: readonly KnownSet[];
  /** Undefined where no offsite copy is configured. */
  readonly lag: OffsiteLag | undefined;
  readonly runs: RunRecords;
  readonly restoreTests: RestoreTestState;
  readonly schedule: ScheduleState;
  /** A restore that was killed. */
  readonly unfinished: UnfinishedRestore | undefined;
}

const hourMilliseconds = 3_600_000;

/** Judges what is there. Pure. */
export function findings(facts: HealthFacts): Finding[] {
  return [...unfinishedRestore(facts), ...staleSources(facts), ...staleOffsite(facts), ...suspiciousSets(facts), ...missingSchedule(facts), ...overdueRestoreTest(facts), ...failedRuns(facts)];
}

/** The app may be down, and the next backup may be of mixed data. */
function unfinishedRestore({unfinished}: HealthFacts): Finding[] {
  return unfinished ? [{key: 'unfinished', kind: 'restore', ...unfinished}] : [];
}

/** Every source that any set holds must be in a complete set that is young enough. */
function staleSources({now, maxAgeHours, unwanted, missingRepository, sets}: HealthFacts): Finding[] {
  if (missingRepository !== null) {
    return [{key: 'stale', kind: 'repository-missing', message: `there is no repository at ${missingRepository}`, next: 'Check RESTIC_REPOSITORY and whether its disk is mounted; the first timetiles backup makes a repository.'}];
  }
  const next = 'See what keeps it from running: timetiles backup auto --show, then run timetiles backup.';
  if (sets.length === 0) return [{key: 'stale', kind: 'stale', message: 'there is no backup at all', next: 'Make the first one: timetiles backup'}];
  return sourceNames(sets).filter((source) => !unwanted.has(source)).flatMap((source) => {
    const newest = newestWith(sets, source);
    if (newest && isWithin(newest.time, now, maxAgeHours)) return [];
    const message = newest
      ? `the newest complete backup of ${source} is set ${newest.id}, ${formatAge(newest.time, now)}; BACKUP_MAX_AGE_HOURS allows ${plural(maxAgeHours, 'hour')}`
      : `there is no complete backup of ${source}`;
    return [{key: `stale:${source}`, kind: 'stale', message, next}];
  });
}

/** Every source that any set holds. */
export function sourceNames(sets: readonly KnownSet[]): string[] {
  return [...new Set(sets.flatMap((set) => set.sources.map(({source}) => source)))].toSorted();
}

/** The newest set that holds a source, as `latest` would take it: one that a restore made of the state before it tells of no backup. */
export function newestWith(sets: readonly KnownSet[], source: string): KnownSet | undefined {
  return sets.find((set) => isWholeBackup(set) && holds(set, source));
}

function holds(set: KnownSet, source: string): boolean {
  return set.sources.some((candidate) => candidate.source === source);
}

function isWithin(time: Date, now: Date, hours: number): boolean {
  return now.getTime() - time.getTime() <= hours * hourMilliseconds;
}

/** The copy is too old when the newest set there is and a newer one waits; where there never was one, the oldest set here counts. */
function staleOffsite({now, maxAgeHours, sets, lag}: HealthFacts): Finding[] {
  if (!lag) return [];
  const waiting = sets.findLast((set) => isWholeBackup(set) && (lag.newest === null || set.id > lag.newest));
  if (!waiting) return [];
  const since = (lag.newest === null ? undefined : timeOfSetId(lag.newest)) ?? waiting.time;
  if (isWithin(since, now, maxAgeHours)) return [];
  const failed = lag.last?.state === 'failed' ? `; the last copy failed: ${lag.last.message}` : '';
  const newest = lag.newest === null ? 'no set is known to be offsite' : `the newest set offsite is ${lag.newest}, made ${formatAge(since, now)}`;
  return [{key: 'offsite-lag', kind: 'offsite', message: `${newest}${failed}`, next: 'Ask the service: timetiles offsite probe. Catch up: timetiles offsite copy'}];
}

/** The newest sets of each source that backups made: as long as one is suspicious, prune holds. */
function suspiciousSets({sets}: HealthFacts): Finding[] {
  const made = sets.filter((set) => !set.isSafety);
  const newest = new Set(sourceNames(made).map((source) => made.find((set) => holds(set, source))));
  return [...newest].flatMap((set) => {
    if (!set || set.suspicions.length === 0) return [];
    const message = `set ${set.id} has much less than those before it: ${set.suspicions.join('; ')}`;
    return [{key: 'suspicious', kind: 'suspicious', message, next: 'Look at the data; older sets are kept. If this is right: timetiles backup --accept-smaller'}];
  }).slice(0, 1);
}

/** Nothing is missed where no schedule was ever installed: something else may run the backups. */
function missingSchedule({schedule: {state, schedule, cronRunning, cronRemedy}}: HealthFacts): Finding[] {
  if (schedule === undefined) return [];
  const command = `timetiles backup auto${schedule.offsite ? ' --offsite' : ''} --schedule "${schedule.schedule}"`;
  if (state === 'missing') return [{key: 'schedule', kind: 'schedule-missing', message: `the nightly entry has gone from the crontab of ${schedule.user}`, next: `Put it back: ${command}. If it is to be gone: timetiles backup auto --disable`}];
  if (cronRunning === false) return [{key: 'schedule', kind: 'cron-stopped', message: 'cron does not run, so no backup will be made by itself', next: cronRemedy ?? 'Start cron.'}];
  return [];
}

/**
 * Judges the last restore test that passed. Where there never was one, the time since the first backup counts: a young
 * host is not in default, nor one that has only what the earlier command line made. Pure.
 * @param since when this host began to use the repository, as far as that is known
 */
export function judgeRestoreTests({now, days, evidence, sets, since}: {now: Date; days: number; evidence: readonly Evidence[]; sets: readonly KnownSet[]; since: Date | undefined}): RestoreTestState {
  const passed = evidence.filter(({state}) => state === 'passed').toSorted((a, b) => (a.time < b.time ? 1 : -1))[0] ?? null;
  const complete = sets.filter((set) => isWholeBackup(set) && !set.isEarlier);
  if (days === 0 || complete.length === 0) return {days, passed, due: null, overdue: false};
  const times = [...complete.map(({time}) => time.getTime()), ...(since ? [since.getTime()] : [])];
  const begin = passed ? Date.parse(passed.time) : Math.min(...times);
  const due = new Date(begin + days * 24 * hourMilliseconds);
  return {days, passed, due, overdue: now > due};
}

/** A test that failed is told of as such. */
function overdueRestoreTest({now, runs, restoreTests: {days, passed, overdue}}: HealthFacts): Finding[] {
  if (!overdue || runs['restore-test']?.last.state === 'failed') return [];
  const last = passed ? `the last restore test that passed was made ${formatAge(new Date(passed.time), now)}, of set ${passed.set}` : 'no set has ever passed a restore test';
  return [{key: 'restore-test-overdue', kind: 'restore-test-overdue', message: `${last}; BACKUP_RESTORE_TEST_DAYS allows ${plural(days, 'day')}`, next: 'Make one: timetiles backup verify --restore-test. To have one each month: timetiles backup auto'}];
}

/** A job whose last run failed has a problem until it has run well again; backups are judged by their age as well. */
function failedRuns({now, runs}: HealthFacts): Finding[] {
  return Object.entries(runs).flatMap(([job, {last}]) => {
    if (last.state !== 'failed' || job === 'restore') return [];
    return [{key: `failed:${job}`, kind: job, message: `the last ${job.replaceAll('-', ' ')} failed ${formatAge(new Date(last.time), now)}: ${last.message ?? 'for an unknown reason'}`, next: 'Run it again once the cause is gone; its words are in the log.'}];
  });
}
