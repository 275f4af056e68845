import {describe, expect, it} from 'vitest';
import {ofMoment, pairParts, parseTime, timeInName} from '../../../src/operations/import-dates.ts';

const local = (text: string) => new Date(text).toISOString();

describe('the time in a name', () => {
  it.each([
    ['db-2024-05-31.sql.gz', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db_20240531.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['2024_05_31_gitlab.tar', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['2024.05.31.tar', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db-2024-05-31-1.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db-2024-05-31-99.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db_20240531_1234567.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db_20240531_256199.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['db_20240531_020304.sql', '2024-05-31', local('2024-05-31T02:03:04')],
    ['db_20240531020304.sql', '2024-05-31', local('2024-05-31T02:03:04')],
    ['db-20240531-0203.sql', '2024-05-31', local('2024-05-31T02:03:00')],
    ['db-2024-05-31T02-03-04.dump', '2024-05-31', local('2024-05-31T02:03:04')],
    ['db 2024-05-31 02:03.dump', '2024-05-31', local('2024-05-31T02:03:00')],
    ['db-2024-05-31T02:03:04Z.dump', '2024-05-31', '2024-05-31T02:03:04.000Z'],
    ['db-20240531T020304Z.dump', '2024-05-31', '2024-05-31T02:03:04.000Z'],
    ['db-2024-05-31T02:03:04+02:00.dump', '2024-05-31', '2024-05-31T00:03:04.000Z'],
    ['db-2024-05-31T02:03:04+0200.dump', '2024-05-31', '2024-05-31T00:03:04.000Z'],
    ['dump_31-05-2024.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['dump_05-31-2024.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
    ['dump_05.05.2024.sql', '2024-05-05', '2024-05-05T12:00:00.000Z'],
    ['db-2024-02-29.sql', '2024-02-29', '2024-02-29T12:00:00.000Z'],
    ['2024-05-31-db-2024-05-31.sql', '2024-05-31', '2024-05-31T12:00:00.000Z'],
  ])('%s', (name, day, time) => {
    expect(timeInName(name)).toEqual({time: new Date(time), day});
  });

  it('may be the seconds since 1970', () => {
    expect(timeInName('dump-1717120800.sql')?.time.toISOString()).toBe('2024-05-31T02:00:00.000Z');
  });

  it.each(['db.sql', 'db-17.6.sql', 'dump_01-05-2024.sql', 'dump_01-05-2024-10-11.sql', 'db-2023-02-29.sql', 'db-2024-13-01.sql', 'from-2024-05-30-to-2024-05-31.sql', '123456789012.sql', 'db-1899-01-01.sql', 'db-2024-5-31.sql'])('is not guessed from %s', (name) => {
    expect(timeInName(name)).toBeUndefined();
  });
});

it.each([
  ['2024-05-31', '2024-05-31T12:00:00.000Z'],
  ['2024-05-31 02:03', local('2024-05-31T02:03')],
  ['2024-05-31T02:03:04Z', '2024-05-31T02:03:04.000Z'],
  ['yesterday', undefined],
  ['31.05.2024', undefined],
  ['2024-05-31 and more', undefined],
])('--date %s', (text, time) => {
  expect(parseTime(text)?.time.toISOString()).toBe(time);
});

describe('what belongs together', () => {
  const part = (name: string) => ({name, source: name.startsWith('db') ? 'db' : 'uploads', ...(timeInName(name) ?? ofMoment(new Date(0)))});
  const pair = (...names: string[]) => pairParts(names.map(part)).map((set) => set.map(({name}) => name).join(' + '));

  it.each<[string, string[], string[]]>([
    ['a dump and an archive of one day', ['db-2024-05-31.sql', 'up-2024-05-31.tar'], ['db-2024-05-31.sql + up-2024-05-31.tar']],
    ['of one day, at different times', ['db-20240531_0200.sql', 'up-20240531_0215.tar'], ['db-20240531_0200.sql + up-20240531_0215.tar']],
    ['of different days', ['db-2024-05-31.sql', 'up-2024-06-01.tar'], ['db-2024-05-31.sql', 'up-2024-06-01.tar']],
    ['several a day, by their time', ['db-20240531_0200.sql', 'db-20240531_1400.sql', 'up-20240531_1400.tar', 'up-20240531_0200.tar'], ['db-20240531_0200.sql + up-20240531_0200.tar', 'db-20240531_1400.sql + up-20240531_1400.tar']],
    ['two dumps and one archive', ['db-a-2024-05-31.sql', 'db-b-2024-05-31.sql', 'up-2024-05-31.tar'], ['db-a-2024-05-31.sql', 'db-b-2024-05-31.sql', 'up-2024-05-31.tar']],
    ['two dumps', ['db-2024-05-31.sql', 'db-2024-05-31.sql.gz'], ['db-2024-05-31.sql', 'db-2024-05-31.sql.gz']],
    ['oldest first', ['db-2024-05-31.sql', 'db-2023-05-31.sql'], ['db-2023-05-31.sql', 'db-2024-05-31.sql']],
  ])('%s', (_, names, sets) => {
    expect(pair(...names)).toEqual(sets);
  });
});
