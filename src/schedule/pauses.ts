import type {CronFields} from './cron-expression.ts';

const minutesPerDay = 24 * 60;
/** Leap days are up to eight years apart, and the scan must not depend on the day it is made. */
const scanBegin = Date.UTC(2092, 0, 1);
const scanDays = 16 * 366;

/** Seconds between two runs of a schedule, by the calendar and without clock changes. */
export interface Pauses {
  readonly shortest: number;
  readonly longest: number;
}

/** How far apart the runs of a schedule are, at the least and at the most. */
export function pausesOf(fields: CronFields): Pauses {
  const times = fields.hours.flatMap((hour) => fields.minutes.map((minute) => hour * 60 + minute)).toSorted((a, b) => a - b);
  const first = times[0] ?? 0;
  const last = times.at(-1) ?? first;
  const within = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  let dayBefore: number | undefined;
  const between = new Set<number>();
  for (let day = 0; day < scanDays; day += 1) {
    if (!matchesDay(fields, new Date(scanBegin + day * 86_400_000))) continue;
    if (dayBefore !== undefined) between.add((day - dayBefore) * minutesPerDay - (last - first));
    dayBefore = day;
  }
  const all = [...within, ...between].map((minutes) => minutes * 60);
  return {shortest: Math.min(...all), longest: Math.max(...all)};
}

/** Whether a schedule runs on a day. @param day midnight of that day, as if local time were UTC */
export function matchesDay(fields: CronFields, day: Date): boolean {
  return fields.months.includes(day.getUTCMonth() + 1) && fields.daysOfMonth.includes(day.getUTCDate()) && fields.weekdays.includes(day.getUTCDay());
}
