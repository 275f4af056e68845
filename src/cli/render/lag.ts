import type {OffsiteLag} from '../../operations/offsite/lag.ts';
import {plural} from '../../shared/format.ts';

/** How far the offsite copy is behind, in one line. */
export function describeLag({newest, sets, last}: OffsiteLag): string {
  const failed = last?.state === 'failed' ? ` The last try failed: ${last.message}.` : '';
  if (newest === null) return `Offsite: nothing is known to be there yet. Make the copy: timetiles backup --offsite${failed}`;
  if (sets === 0) return `Offsite: up to date, set ${newest} is there.${failed}`;
  return `Offsite: ${plural(sets, 'set')} behind; the newest complete one there is ${newest}.${failed} Catch up: timetiles backup --offsite`;
}

export function lagToJson(lag: OffsiteLag | undefined) {
  if (!lag) return null;
  return {url: lag.url, newestSet: lag.newest, copied: lag.copied?.toISOString() ?? null, lagSets: lag.sets, last: lag.last && {...lag.last, time: lag.last.time.toISOString()}};
}
