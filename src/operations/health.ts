import {formatAge} from '../shared/format.ts';
import {timeOfSetId} from '../shared/set-id.ts';
import type {Context} from './context.ts';
import {readSetStates, type SetState} from './known-sets.ts';
import {offsiteLag} from './offsite/lag.ts';

/** Something that is wrong with the backups as they are, whatever the last run did. */
export interface Finding {
  /** Of one of the families in alert-keys.ts: `offsite-lag`, `stale:db`. */
  readonly key: string;
  /** Another kind under the same key is another trouble. */
  readonly kind: string;
  readonly message: string;
  readonly next: string;
}

/** Judges the sets by their age, here and offsite, against BACKUP_MAX_AGE_HOURS. */
export async function assessHealth(context: Context): Promise<Finding[]> {
  const sets = (await readSetStates(context)).filter(({state}) => state === 'complete');
  return [...staleSources(context, sets), ...lagFinding(context, sets)];
}

/** Sources that no set ever held are not missed: some hosts back up the database alone. */
function staleSources(context: Context, sets: readonly SetState[]): Finding[] {
  const names = [...new Set(sets.flatMap(({sources}) => sources))].toSorted();
  return names.flatMap((source) => {
    const newest = sets.find(({sources}) => sources.includes(source));
    if (!newest || !isTooOld(context, newest.id)) return [];
    return [{key: `stale:${source}`, kind: 'stale', message: `the newest complete backup of ${source} is set ${newest.id}, made ${age(context, newest.id)}`, next: 'See why the nights after it made none: timetiles backup'}];
  });
}

function lagFinding(context: Context, sets: readonly SetState[]): Finding[] {
  const lag = offsiteLag(context, sets);
  const measured = lag?.newest ?? sets.at(-1)?.id;
  if (!lag || lag.sets === 0 || measured === undefined || !isTooOld(context, measured)) return [];
  const what = lag.newest === null ? 'no set is known to be offsite' : `the newest set offsite is ${lag.newest}, made ${age(context, lag.newest)}`;
  const why = lag.last?.state === 'failed' ? `; the last copy failed: ${lag.last.message}` : '';
  return [{key: 'offsite-lag', kind: 'offsite-lag', message: `${what}${why}`, next: 'Copy it now and see what stops it: timetiles offsite copy'}];
}

function isTooOld(context: Context, set: string): boolean {
  const time = timeOfSetId(set);
  return time !== undefined && context.clock.now().getTime() - time.getTime() > context.settings.BACKUP_MAX_AGE_HOURS * 3_600_000;
}

function age(context: Context, set: string): string {
  const now = context.clock.now();
  return formatAge(timeOfSetId(set) ?? now, now);
}
