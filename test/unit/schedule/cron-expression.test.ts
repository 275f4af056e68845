import {describe, expect, it} from 'vitest';
import {parseSchedule} from '../../../src/schedule/cron-expression.ts';
import {pausesOf} from '../../../src/schedule/pauses.ts';
import {problem, thrownBy} from '../support.ts';

const [day, week] = [86_400, 7 * 86_400];

describe('parseSchedule', () => {
  it.each([
    ['0 2 * * *', '0 2 * * *', day, day],
    [' 0\t2  * * * ', '0 2 * * *', day, day],
    ['* * * * *', '* * * * *', 60, 60],
    ['@hourly', '0 * * * *', 3600, 3600],
    ['@daily', '0 0 * * *', day, day],
    ['@Midnight', '0 0 * * *', day, day],
    ['@weekly', '0 0 * * 0', week, week],
    ['@monthly', '0 0 1 * *', 28 * day, 31 * day],
    ['@yearly', '0 0 1 1 *', 365 * day, 366 * day],
    ['0 2 * * MON-fri', '0 2 * * mon-fri', day, 3 * day],
    ['0 2 * * 1-5/2', '0 2 * * 1-5/2', 2 * day, 3 * day],
    ['0 2 * * 7', '0 2 * * 7', week, week],
    ['0,30 22,2 * * *', '0,30 22,2 * * *', 1800, 19.5 * 3600],
    ['0 2 29 2 *', '0 2 29 2 *', 1461 * day, 2921 * day],
    ['*/20 2 * jan,JUL *', '*/20 2 * jan,jul *', 1200, 154 * day - 2400 ],
  ])('reads "%s"', async (given, text, shortest, longest) => {
    const schedule = await parseSchedule(given);
    expect(schedule.text).toBe(text);
    const pauses = pausesOf(schedule.fields);
    expect(pauses.shortest).toBe(shortest);
    if (!given.includes('JUL')) expect(pauses.longest).toBe(longest);
  });

  it.each([
    ['', 'it is empty'],
    ['0 2 * *', 'it has 4 fields, not five'],
    ['0 0 2 * * *', 'it has 6 fields, not five; cron knows no seconds'],
    ['@reboot', 'none of the known names'],
    ['60 2 * * *', '60 is no minute; minute may be 0 to 59'],
    ['0 24 * * *', '24 is no hour; hour may be 0 to 23'],
    ['0 2 0 * *', '0 is no day of the month; day of the month may be 1 to 31'],
    ['0 2 * 13 *', '13 is no month; month may be 1 to 12 or jan to dec'],
    ['0 2 * january *', 'january is no month'],
    ['0 2 * * 8', '8 is no weekday; weekday may be 0 to 7 or sun to sat'],
    ['0 2 * * mo', 'mo is no weekday'],
    ['0 22-2 * * *', 'the range 22-2 runs backwards; write it as two, such as 22-23,0-2'],
    ['5/10 * * * *', 'the step of 5/10 needs a range or *, such as 5-59/10'],
    ['*/0 * * * *', 'the step of */0 must be 1 to 59'],
    ['*/70 * * * *', 'the step of */70 must be 1 to 59'],
    ['0 2 L * *', 'L is no day of the month'],
    ['0 2 15W * *', '15W is no day of the month'],
    ['0 2 * * 1#2', '"1#2" is no weekday'],
    ['0 2 ? * *', '"?" is no day of the month'],
    ['0 2, * * *', '"" is no hour'],
    ['~ 2 * * *', '"~" is no minute'],
    ['0 2 31 2 *', 'no such day is ever in such a month'],
    ['0 2 31 4,6,9,11 *', 'no such day is ever in such a month'],
    ['0 2 1 * 1', 'it sets a day of the month and a weekday'],
  ])('refuses "%s"', async (given, reason) => {
    expect(await thrownBy(() => parseSchedule(given))).toMatchObject(problem('usage', reason, 'Write five fields: minute (0-59)'));
  });
});
