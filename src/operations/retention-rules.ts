import type {BackupSet} from './sets.ts';

export type RetentionRule = 'last' | 'daily' | 'weekly' | 'monthly' | 'yearly';

/** How many sets to keep: the last so many, and the newest of so many days, weeks, months and years. */
export interface RetentionPolicy extends Readonly<Record<RetentionRule, number>> {
  /**
   * `counts`: so many periods that have a set, however long ago. `within`: the periods of so much time before the newest
   * set, and every set of as many days as `last` says.
   */
  readonly mode: 'counts' | 'within';
}

const dayMilliseconds = 86_400_000;

export const retentionRules = ['last', 'daily', 'weekly', 'monthly', 'yearly'] as const;

/** The period that a moment is in, by rule and in UTC; a week is named by its Monday. */
const periodOf: Readonly<Record<Exclude<RetentionRule, 'last'>, (time: Date) => string>> = {
  daily: (time) => time.toISOString().slice(0, 10),
  weekly: (time) => new Date(time.getTime() - ((time.getUTCDay() + 6) % 7) * dayMilliseconds).toISOString().slice(0, 10),
  monthly: (time) => time.toISOString().slice(0, 7),
  yearly: (time) => time.toISOString().slice(0, 4),
};

/**
 * The sets of one group that a rule keeps, as restic's `--keep-…` does (`counts`) or its `--keep-within-…` (`within`):
 * while there is room, the oldest set as well, so that the history reaches as far back as it can. Pure.
 * @param group newest first, none of the future
 */
export function keptByRule(group: readonly BackupSet[], policy: RetentionPolicy, rule: RetentionRule): BackupSet[] {
  const count = policy[rule];
  const [newest] = group;
  if (count === 0 || newest === undefined) return [];
  const isWithin = policy.mode === 'within';
  const candidates: BackupSet[] = isWithin ? group.filter((set) => set.time > startOfSpan(newest.time, rule, count)) : [...group];
  if (rule === 'last') return isWithin ? candidates : candidates.slice(0, count);
  const chosen = newestOfPeriods(candidates, periodOf[rule]);
  const hasRoom = isWithin ? candidates.length === group.length : chosen.length < count;
  return hasRoom ? [...new Set([...chosen, ...oldest(group)])] : chosen.slice(0, isWithin ? chosen.length : count);
}

/**
 * Where the time begins that a rule spans. It ends at the newest set of the group, so that months without backups take
 * nothing away. restic does so too; that set is of the past, and of a group that no stranger can add to.
 */
function startOfSpan(end: Date, rule: RetentionRule, count: number): Date {
  const start = new Date(end);
  if (rule === 'last' || rule === 'daily') start.setUTCDate(start.getUTCDate() - count);
  if (rule === 'weekly') start.setUTCDate(start.getUTCDate() - 7 * count);
  if (rule === 'monthly') start.setUTCMonth(start.getUTCMonth() - count);
  if (rule === 'yearly') start.setUTCFullYear(start.getUTCFullYear() - count);
  return start;
}

/** Of each period that has a set the newest complete one, or the newest where none is complete. */
function newestOfPeriods(newestFirst: readonly BackupSet[], period: (time: Date) => string): BackupSet[] {
  const chosen = new Map<string, BackupSet>();
  for (const set of newestFirst) {
    const name = period(set.time);
    const present = chosen.get(name);
    if (!present || (present.state === 'incomplete' && set.state === 'complete')) chosen.set(name, set);
  }
  return [...chosen.values()];
}

/** The oldest complete set, or the oldest where none is complete. */
function oldest(newestFirst: readonly BackupSet[]): BackupSet[] {
  const found = newestFirst.findLast((set) => set.state === 'complete') ?? newestFirst.at(-1);
  return found ? [found] : [];
}
