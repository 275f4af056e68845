import type {CronFields} from './cron-expression.ts';
import {matchesDay} from './pauses.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
/** A year and a little: every change of the clock that comes each year is seen. */
const daysAhead = 370;
const hoursPerDay = 24;

/** A run whose local time does not exist, or exists twice, on a day when the clock changes. */
export interface ClockTrouble {
  readonly kind: 'skipped' | 'repeated';
  /** The local date and time, such as `2027-03-28 02:30`. */
  readonly local: string;
}

/**
 * The first run of each clock change within a year that falls into the gap or into the hour that comes twice. A schedule
 * that runs every hour has none: nothing is missed that the next hour would not bring.
 */
export function findClockTroubles(fields: CronFields, timeZone: string, from: Date): ClockTrouble[] {
  if (fields.hours.length === hoursPerDay) return [];
  const offsetAt = createOffsets(timeZone);
  const troubles: ClockTrouble[] = [];
  let time = Math.floor(from.getTime() / minute) * minute;
  for (const end = time + daysAhead * day; time < end; time += day) {
    const [before, after] = [offsetAt(time), offsetAt(time + day)];
    if (before === after) continue;
    const change = findChange(offsetAt, time, time + day);
    const trouble = firstRun(fields, change + Math.min(before, after), change + Math.max(before, after));
    if (trouble !== undefined) troubles.push({kind: after > before ? 'skipped' : 'repeated', local: trouble});
  }
  return troubles;
}

/** A moment as local date and time, such as `2027-03-28 02:30`. */
export function localText(date: Date, timeZone: string): string {
  return new Date(date.getTime() + createOffsets(timeZone)(date.getTime())).toISOString().slice(0, 16).replace('T', ' ');
}

/** Milliseconds that local time is ahead of UTC at a moment. */
function createOffsets(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric'});
  return (time) => {
    const part = Object.fromEntries(format.formatToParts(time).map(({type, value}) => [type, Number(value)]));
    const local = Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1, part['hour'] ?? 0, part['minute'] ?? 0);
    return local - Math.floor(time / minute) * minute;
  };
}

/** The first minute with the new offset. */
function findChange(offsetAt: (time: number) => number, from: number, to: number): number {
  const before = offsetAt(from);
  let [low, high] = [from, to];
  while (high - low > minute) {
    const middle = low + Math.floor((high - low) / 2 / minute) * minute;
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** The first minute of a stretch of local time at which the schedule runs. */
function firstRun(fields: CronFields, from: number, to: number): string | undefined {
  for (let time = from; time < to; time += minute) {
    const local = new Date(time);
    if (fields.minutes.includes(local.getUTCMinutes()) && fields.hours.includes(local.getUTCHours()) && matchesDay(fields, local)) return local.toISOString().slice(0, 16).replace('T', ' ');
  }
  return undefined;
}
