import {plural} from '../shared/format.ts';
import type {BackupSet} from './sets.ts';

/** How many sets to keep: the last so many, and the newest of so many days, weeks, months and years that have one. */
export interface RetentionPolicy {
  readonly last: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

/**
 * Why a set stays: a rule of the policy, or one of these. `latest`: the newest complete set of its host; `newest`: the
 * newest complete one of its kind; `unfinished`: its run may still go on, or nothing newer holds what it holds;
 * `future`: its time has not come yet, so no rule can judge it.
 */
export type KeepReason = keyof RetentionPolicy | 'latest' | 'newest' | 'unfinished' | 'future';

/** Why a set goes: `expired`, no rule keeps it; `unfinished`, its run died and a newer complete set holds what it holds. */
export type RemoveReason = 'expired' | 'unfinished';

interface KeptSet {
  readonly set: BackupSet;
  readonly reasons: readonly KeepReason[];
}

interface RemovedSet {
  readonly set: BackupSet;
  readonly reason: RemoveReason;
}

/** What happens to each set, newest first. */
export interface RetentionPlan {
  readonly kept: readonly KeptSet[];
  readonly removed: readonly RemovedSet[];
  readonly warnings: readonly string[];
}

/** A set without manifest is of a run that died, or of one that goes on; no run takes so long. */
const unfinishedMilliseconds = 24 * 3600 * 1000;
/** Clocks of two hosts are never quite the same. */
const clockSlackMilliseconds = 60_000;
const dayMilliseconds = 86_400_000;

/** The period that a moment is in, by rule and in UTC; a week is named by its Monday. */
const periodOf: Readonly<Record<Exclude<keyof RetentionPolicy, 'last'>, (time: Date) => string>> = {
  daily: (time) => time.toISOString().slice(0, 10),
  weekly: (time) => new Date(time.getTime() - ((time.getUTCDay() + 6) % 7) * dayMilliseconds).toISOString().slice(0, 10),
  monthly: (time) => time.toISOString().slice(0, 7),
  yearly: (time) => time.toISOString().slice(0, 4),
};

/**
 * Decides which sets stay, as `restic forget` would but for whole sets. Sets of other hosts, of other sources and those
 * made by restores are counted apart, so that an hourly dump cannot displace the nightly set of everything. Pure.
 */
export function planRetention(sets: readonly BackupSet[], policy: RetentionPolicy, now: Date): RetentionPlan {
  const newestFirst = sets.toSorted((a, b) => b.time.getTime() - a.time.getTime() || (a.id < b.id ? 1 : -1));
  const reasons = new Map<BackupSet, KeepReason[]>(newestFirst.map((set) => [set, []]));
  const keep = (kept: readonly BackupSet[], reason: KeepReason) => kept.forEach((set) => reasons.get(set)?.push(reason));

  const isFuture = (set: BackupSet) => set.time.getTime() > now.getTime() + clockSlackMilliseconds;
  const future = newestFirst.filter(isFuture);
  const present = newestFirst.filter((set) => !isFuture(set));
  const finished = present.filter((set) => set.manifest !== undefined);
  const unfinished = present.filter((set) => set.manifest === undefined);

  for (const group of Map.groupBy(finished, kindOf).values()) {
    keep(group.slice(0, policy.last), 'last');
    for (const rule of ['daily', 'weekly', 'monthly', 'yearly'] as const) keep(newestOfPeriods(group, policy[rule], periodOf[rule]), rule);
    keep(newestComplete(group), 'newest');
  }
  for (const ofHost of Map.groupBy(finished, (set) => set.host).values()) keep(newestComplete(ofHost.filter((set) => !set.isSafety)), 'latest');
  keep(unfinished.filter((set) => now.getTime() - set.time.getTime() <= unfinishedMilliseconds || !isSuperseded(set, finished)), 'unfinished');
  keep(future, 'future');

  const decided = [...reasons];
  return {
    kept: decided.filter(([, why]) => why.length > 0).map(([set, why]) => ({set, reasons: why})),
    removed: decided.filter(([, why]) => why.length === 0).map(([set]) => ({set, reason: set.manifest === undefined ? 'unfinished' : 'expired'})),
    warnings: futureWarnings(future),
  };
}

/** Sets of the same kind compete with each other: same host, same sources, made by backups or by restores. */
function kindOf(set: BackupSet): string {
  return JSON.stringify([set.host, sourcesOf(set), set.isSafety]);
}

function sourcesOf(set: BackupSet): string[] {
  return [...new Set(set.snapshots.map(({source}) => source))].toSorted();
}

/** Of each of the last so many periods that have a set the newest complete one, or the newest where none is complete. */
function newestOfPeriods(newestFirst: readonly BackupSet[], count: number, period: (time: Date) => string): BackupSet[] {
  const chosen = new Map<string, BackupSet>();
  for (const set of newestFirst) {
    const name = period(set.time);
    const present = chosen.get(name);
    if (!present || (present.state === 'incomplete' && set.state === 'complete')) chosen.set(name, set);
  }
  return [...chosen.values()].slice(0, count);
}

function newestComplete(newestFirst: readonly BackupSet[]): BackupSet[] {
  return newestFirst.filter((set) => set.state === 'complete').slice(0, 1);
}

/** Whether newer complete sets of the same host hold every source that a dead run had stored. */
function isSuperseded(unfinished: BackupSet, finished: readonly BackupSet[]): boolean {
  const newer = finished.filter((set) => set.state === 'complete' && !set.isSafety && set.host === unfinished.host && set.time > unfinished.time);
  return newer.length > 0 && sourcesOf(unfinished).every((source) => newer.some((set) => sourcesOf(set).includes(source)));
}

function futureWarnings(future: readonly BackupSet[]): string[] {
  if (future.length === 0) return [];
  const names = future.slice(0, 5).map(({id}) => id).join(', ');
  return [`${plural(future.length, 'set')} with a time in the future cannot be judged and ${future.length === 1 ? 'stays' : 'stay'}: ${names}${future.length > 5 ? ', …' : ''}. Was a clock wrong?`];
}
