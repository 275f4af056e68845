import {describe, expect, it} from 'vitest';
import type {Manifest} from '../../../src/operations/manifest.ts';
import {baselineOf, suspicionsOf} from '../../../src/operations/suspicion.ts';
import type {Measures} from '../../../src/sources/source.ts';

const MiB = 1024 * 1024;
const files = (count: number, bytes = MiB): Measures => ({bytes, files: count});
const rows = (counts: Record<string, number>): Measures => ({bytes: MiB, rows: counts});
const times = <T>(count: number, value: T): T[] => Array.from({length: count}, () => value);

describe('suspicionsOf', () => {
  it.each<[string, Measures, Measures[], string[]]>([
    ['nothing earlier', files(0, 0), [], []],
    ['nothing changed', files(60), times(7, files(60)), []],
    ['exactly half', files(30), times(7, files(60)), []],
    ['less than half the files', files(29), times(7, files(60)), ['s: files fell from 60 (median of 7 sets) to 29']],
    ['one earlier set', files(2), [files(60)], ['s: files fell from 60 (median of 1 set) to 2']],
    ['an even number of earlier sets', files(34), [files(60), files(80)], ['s: files fell from 70 (median of 2 sets) to 34']],
    ['one odd set among the earlier', files(60), [files(900), ...times(6, files(60))], []],
    ['growth', files(6000), times(7, files(60)), []],
    ['less than half the bytes', files(60, MiB / 4), times(7, files(60)), ['s: bytes fell from 1.00 MiB (median of 7 sets) to 256.0 KiB']],
    ['few files', files(0), times(7, files(9)), []],
    ['few bytes', files(60, 0), times(7, files(60, 60_000)), []],
    ['few rows', rows({a: 0}), times(7, rows({a: 99})), []],
    ['a table that lost its rows, among larger ones', rows({a: 40, b: 9000}), times(3, rows({a: 100, b: 9000})), ['s: rows of a fell from 100 (median of 3 sets) to 40']],
    ['a table that is gone', rows({b: 9000}), times(3, rows({a: 100, b: 9000})), ['s: rows of a fell from 100 (median of 3 sets) to 0']],
    ['a new table', rows({a: 100, b: 1}), times(3, rows({a: 100})), []],
    ['all rows', rows({a: 10, b: 20}), times(3, rows({a: 90, b: 80})), ['s: rows fell from 170 (median of 3 sets) to 30']],
    ['a queue that is empty at times', rows({queue: 0, b: 9000}), [rows({queue: 0, b: 9000}), ...times(6, rows({queue: 500, b: 9000}))], []],
    ['earlier sets that did not tell', rows({a: 1}), times(3, {bytes: MiB}), []],
    ['a set that does not tell', {bytes: MiB}, times(3, rows({a: 900})), []],
  ])('%s', (_, current, earlier, expected) => {
    expect(suspicionsOf('s', current, earlier, 50)).toEqual(expected);
  });

  it('names five tables and counts the others', () => {
    const many = (count: number) => rows(Object.fromEntries(times(8, 0).map((__, index) => [`t${index}`, count])));
    const said = suspicionsOf('s', many(0), [many(200)], 50);
    expect(said).toHaveLength(7);
    expect(said.at(-1)).toBe('s: rows of 3 more tables fell as well');
  });

  it.each([
    [0, 0, 0],
    [10, 53, 1],
    [10, 54, 0],
    [99, 1, 0],
    [99, 0, 1],
  ])('with a limit of %i per cent, %i of 60 files raise %i suspicions', (percent, count, suspicions) => {
    expect(suspicionsOf('s', files(count), [files(60)], percent)).toHaveLength(suspicions);
  });
});

describe('baselineOf', () => {
  const manifest = (day: number, more: Partial<Manifest> = {}): Manifest => ({
    format: 1, tool: 't', set: `202611${String(day).padStart(2, '0')}`, time: '', host: 'h', project: 'p', state: 'complete',
    sources: ['db', 'uploads'].map((source) => ({source, snapshot: `${source}${day}`, bytes: day, added: 0, files: 1, seconds: 1, unreadable: [], details: {}})),
    ...more,
  });
  const days = (manifests: Manifest[], source = 'db') => baselineOf(source, manifests).map(({bytes}) => bytes);
  const plain = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((day) => manifest(day));

  it('takes the newest seven, whatever their order', () => {
    expect(days(plain)).toEqual([9, 8, 7, 6, 5, 4, 3]);
    expect(days(plain.toReversed())).toEqual([9, 8, 7, 6, 5, 4, 3]);
  });

  it.each<[string, Partial<Manifest>]>([
    ['suspicious', {suspicions: ['db: less']}],
    ['incomplete', {state: 'incomplete'}],
    ['made by a restore', {beforeRestore: true}],
    ['imported', {imported: true}],
    ['of another source', {sources: []}],
  ])('never one that is %s', (_, more) => {
    expect(days([manifest(1), manifest(2, more), manifest(3)])).toEqual([3, 1]);
  });

  it('a loss does not become the rule by time', () => {
    expect(days([manifest(1), ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map((day) => manifest(day, {suspicions: ['db: less']}))])).toEqual([1]);
  });

  it('begins with the newest accepted set, also when some of its files could not be read', () => {
    expect(days([manifest(1), manifest(2, {accepted: true}), manifest(3), manifest(4, {accepted: true, state: 'incomplete'}), manifest(5)])).toEqual([5, 4]);
  });

  it('what was accepted of one source says nothing of the other', () => {
    const accepted = manifest(2, {accepted: true});
    const ofDatabase = {...accepted, sources: accepted.sources.filter(({source}) => source === 'db')};
    expect(days([manifest(1), ofDatabase, manifest(3)], 'uploads')).toEqual([3, 1]);
    expect(days([manifest(1), ofDatabase, manifest(3)])).toEqual([3, 2]);
  });
});
