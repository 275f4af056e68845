import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest';
import {findClockTroubles, localText} from '../../../src/schedule/clock-changes.ts';
import {parseSchedule} from '../../../src/schedule/cron-expression.ts';
import {nextRuns} from '../../../src/schedule/next-runs.ts';

const now = new Date('2026-11-21T09:00:00Z');

describe('findClockTroubles', () => {
  it.each([
    ['0 2 * * *', 'Europe/Berlin', [['skipped', '2027-03-28 02:00'], ['repeated', '2027-10-31 02:00']]],
    ['59 2 * * *', 'Europe/Berlin', [['skipped', '2027-03-28 02:59'], ['repeated', '2027-10-31 02:59']]],
    ['0 3 * * *', 'Europe/Berlin', []],
    ['59 1 * * *', 'Europe/Berlin', []],
    ['0 2 * * 1-6', 'Europe/Berlin', []],
    ['0 2 1 * *', 'Europe/Berlin', []],
    ['*/15 1-3 * * *', 'Europe/Berlin', [['skipped', '2027-03-28 02:00'], ['repeated', '2027-10-31 02:00']]],
    ['30 * * * *', 'Europe/Berlin', []],
    ['30 2 * * *', 'America/New_York', [['skipped', '2027-03-14 02:30']]],
    ['30 1 * * *', 'America/New_York', [['repeated', '2027-11-07 01:30']]],
    ['15 2 * * *', 'Australia/Lord_Howe', [['skipped', '2027-10-03 02:15']]],
    ['0 2 * * *', 'Etc/UTC', []],
    ['0 2 * * *', 'Asia/Kolkata', []],
  ])('"%s" in %s', async (text, zone, expected) => {
    const {fields} = await parseSchedule(text);
    expect(findClockTroubles(fields, zone, now).map(({kind, local}) => [kind, local])).toEqual(expected);
  });
});

describe('nextRuns', () => {
  beforeEach(() => void vi.useFakeTimers({toFake: ['Date']}));
  afterEach(() => void vi.useRealTimers());

  const runs = async (at: string, schedule: string, zone: string) => {
    vi.setSystemTime(new Date(at));
    return (await nextRuns(schedule, zone, 3)).map((date) => `${localText(date, zone)} ${date.toISOString().slice(11, 16)}Z`);
  };

  it('keeps to local time when the clock goes forward, and leaves the gap out', async () => {
    expect(await runs('2027-03-27T12:00:00Z', '30 3 * * *', 'Europe/Berlin')).toEqual(['2027-03-28 03:30 01:30Z', '2027-03-29 03:30 01:30Z', '2027-03-30 03:30 01:30Z']);
    expect(await runs('2027-03-26T12:00:00Z', '30 2 * * *', 'Europe/Berlin')).toEqual(['2027-03-27 02:30 01:30Z', '2027-03-29 02:30 00:30Z', '2027-03-30 02:30 00:30Z']);
  });

  it('keeps to local time when the clock goes back', async () => {
    expect(await runs('2027-11-06T12:00:00Z', '30 3 * * *', 'America/New_York')).toEqual(['2027-11-07 03:30 08:30Z', '2027-11-08 03:30 08:30Z', '2027-11-09 03:30 08:30Z']);
  });
});
