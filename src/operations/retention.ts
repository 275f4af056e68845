import {plural} from '../shared/format.ts';
import {keptByRule, retentionRules, type RetentionPolicy, type RetentionRule} from './retention-rules.ts';
import {isFinished, isWholeBackup, type BackupSet} from './sets.ts';

/**
 * Why a set stays: a rule of the policy, or one of these. `latest`: the newest complete set of its host; `newest`: the
 * newest complete one of its kind; `restore-tested`: the last one that passed a restore test; `unfinished`: its run may
 * still go on, or nothing newer holds what it holds; `future`: its time has not come yet, so no rule can judge it;
 * `held`: no rule keeps it, but nothing goes for now.
 */
export type KeepReason = RetentionRule | 'latest' | 'newest' | 'restore-tested' | 'unfinished' | 'future' | 'held';

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
  /** Why nothing goes although something would; null when that is not so. */
  readonly held: string | null;
  readonly warnings: readonly string[];
}

export interface RetentionOptions {
  readonly now: Date;
  /** Every name that this host has had: they are one host. */
  readonly hostNames?: ReadonlySet<string>;
  /** Ids of the sets that are known to be this host's own, in a repository that others can add to; else all are taken for that. */
  readonly ownSets?: ReadonlySet<string> | undefined;
  /** Id of the last set that passed a restore test. */
  readonly restoreTested?: string | undefined;
  /** Why nothing may go now. */
  readonly hold?: string | undefined;
}

/** A set without manifest is of a run that died, or of one that goes on; no run takes so long. */
const unfinishedMilliseconds = 24 * 3600 * 1000;
/** Clocks of two hosts are never quite the same. */
const clockSlackMilliseconds = 60_000;

/**
 * Decides which sets stay, as `restic forget` would but for whole sets. Sets of other hosts, of other sources, those
 * made by restores and those that were imported are counted apart, so that an hourly dump cannot displace the nightly set
 * of everything, nor a hundred old archives. Those of the earlier command line displace none of this tool's, but are displaced by them: no
 * more of them will come, so that among themselves they would stay for good. Apart are also sets that are not known to be this host's own, so that no stranger can displace those. Pure.
 */
export function planRetention(sets: readonly BackupSet[], policy: RetentionPolicy, options: RetentionOptions): RetentionPlan {
  const {now, restoreTested, hold} = options;
  const newestFirst = sets.toSorted((a, b) => b.time.getTime() - a.time.getTime() || (a.id < b.id ? 1 : -1));
  const reasons = new Map<BackupSet, KeepReason[]>(newestFirst.map((set) => [set, []]));
  const keep = (kept: readonly BackupSet[], reason: KeepReason) => kept.forEach((set) => reasons.get(set)?.push(reason));
  const hostOf = hostNamer(options);

  const future = newestFirst.filter((set) => isFuture(set, now));
  const present = newestFirst.filter((set) => !isFuture(set, now));
  const finished = present.filter(isFinished);
  const unfinished = present.filter((set) => !isFinished(set));

  for (const group of Map.groupBy(finished, (set) => JSON.stringify([hostOf(set), sourcesOf(set), set.isSafety, set.isImported, set.isEarlier])).values()) {
    const counted = group.some(({isEarlier}) => isEarlier) ? withSuccessors(group, finished, hostOf) : group;
    const keepOfGroup = (kept: readonly BackupSet[], reason: KeepReason) => keep(kept.filter((set) => group.includes(set)), reason);
    for (const rule of retentionRules) keepOfGroup(keptByRule(counted, policy, rule), rule);
    keepOfGroup(newestComplete(counted), 'newest');
  }
  for (const ofHost of Map.groupBy(finished, hostOf).values()) keep(newestComplete(ofHost.filter((set) => !set.isSafety)), 'latest');
  keep(present.filter(({id}) => id === restoreTested), 'restore-tested');
  const isSuperseded = (set: BackupSet) => holdSame(set, finished.filter((other) => hostOf(other) === hostOf(set)));
  keep(unfinished.filter((set) => now.getTime() - set.time.getTime() <= unfinishedMilliseconds || !isSuperseded(set)), 'unfinished');
  keep(future, 'future');
  const isHeld = hold !== undefined && [...reasons.values()].some((why) => why.length === 0);
  if (isHeld) keep(newestFirst.filter((set) => reasons.get(set)?.length === 0), 'held');

  const decided = [...reasons];
  return {
    kept: decided.filter(([, why]) => why.length > 0).map(([set, why]) => ({set, reasons: why})),
    removed: decided.filter(([, why]) => why.length === 0).map(([set]) => ({set, reason: isFinished(set) ? 'expired' : 'unfinished'})),
    held: isHeld ? hold : null,
    warnings: futureWarnings(future),
  };
}

/** Whether a set's time has not come yet. */
export function isFuture(set: BackupSet, now: Date): boolean {
  return set.time.getTime() > now.getTime() + clockSlackMilliseconds;
}

/** Tells whose sets compete: those of this host under all its names, and those of each other host. */
function hostNamer({hostNames, ownSets}: RetentionOptions): (set: BackupSet) => string {
  return (set) => JSON.stringify([hostNames?.has(set.host) ? null : set.host, ownSets?.has(set.id) ?? true]);
}

/** The sources that a set holds, in order. */
export function sourcesOf(set: BackupSet): string[] {
  return [...new Set(set.snapshots.map(({source}) => source))].toSorted();
}

/** Sets of the earlier command line and what took their place since: complete sets of the same host that hold as much. Newest first. */
function withSuccessors(group: readonly BackupSet[], finished: readonly BackupSet[], hostOf: (set: BackupSet) => string): BackupSet[] {
  const [first] = group;
  if (!first) return [];
  const holdsAsMuch = (set: BackupSet) => sourcesOf(first).every((source) => sourcesOf(set).includes(source));
  return finished.filter((set) => group.includes(set) || (!set.isEarlier && !set.isImported && isWholeBackup(set) && hostOf(set) === hostOf(first) && holdsAsMuch(set)));
}

function newestComplete(newestFirst: readonly BackupSet[]): BackupSet[] {
  return newestFirst.filter((set) => set.state === 'complete').slice(0, 1);
}

/** Whether newer complete sets hold every source that a dead run had stored. */
function holdSame(unfinished: BackupSet, others: readonly BackupSet[]): boolean {
  const newer = others.filter((set) => isWholeBackup(set) && set.time > unfinished.time);
  return newer.length > 0 && sourcesOf(unfinished).every((source) => newer.some((set) => sourcesOf(set).includes(source)));
}

function futureWarnings(future: readonly BackupSet[]): string[] {
  if (future.length === 0) return [];
  const names = future.slice(0, 5).map(({id}) => id).join(', ');
  return [`${plural(future.length, 'set')} with a time in the future cannot be judged and ${future.length === 1 ? 'stays' : 'stay'}: ${names}${future.length > 5 ? ', …' : ''}. Was a clock wrong?`];
}
