import {describe, expect, it} from 'vitest';
import {planRetention} from '../../../src/operations/retention.ts';
import type {RetentionPolicy} from '../../../src/operations/retention-rules.ts';
import type {BackupSet} from '../../../src/operations/sets.ts';

const none: RetentionPolicy = {mode: 'counts', last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0};
const standard: RetentionPolicy = {mode: 'counts', last: 3, daily: 7, weekly: 4, monthly: 12, yearly: 0};
const now = new Date('2026-11-21T12:00:00Z');
const hour = 3_600_000;
const day = 24 * hour;

interface SetOptions {
  sources?: string[];
  host?: string;
  state?: 'complete' | 'incomplete';
  isSafety?: boolean;
  isImported?: boolean;
  isEarlier?: boolean;
  /** Its run died before the manifest. */
  killed?: boolean;
}

/** A set of this time; its id is that time and what is special about it. */
function made(time: string | number, {sources = ['db', 'uploads'], host = 'h', state = 'complete', isSafety = false, isImported = false, isEarlier = false, killed = false}: SetOptions = {}): BackupSet {
  const date = new Date(time);
  return {
    id: [date.toISOString().slice(0, 16), ...(sources.length === 2 ? [] : sources), ...(host === 'h' ? [] : [host])].join(' '),
    time: date,
    state: killed ? 'incomplete' : state,
    isSafety,
    isSuspicious: false,
    isImported,
    isEarlier,
    host,
    manifest: killed ? undefined : `manifest ${date.toISOString()}`,
    snapshots: sources.map((source) => ({source, id: `${source} ${date.toISOString()}`, time: date, snapshot: {id: '', time: '', hostname: host, paths: [], tags: []}})),
  };
}

/** Ids and reasons of what stays, and ids of what goes, in short. */
function decide(sets: readonly BackupSet[], policy: Partial<RetentionPolicy>, at = now) {
  const {kept, removed} = planRetention(sets, {...none, ...policy}, {now: at});
  return {kept: kept.map(({set, reasons}) => `${set.id}: ${reasons.join(' ')}`), removed: removed.map(({set}) => set.id)};
}

function keptIds(sets: readonly BackupSet[], policy: Partial<RetentionPolicy>, at = now): string[] {
  return planRetention(sets, {...none, ...policy}, {now: at}).kept.map(({set}) => set.id);
}

const nights = (count: number, options?: SetOptions, before = now) => Array.from({length: count}, (_, index) => made(Date.parse(`${before.toISOString().slice(0, 10)}T02:00Z`) - index * day, options));

describe('the rules', () => {
  it.each<[string, Partial<RetentionPolicy>, string[]]>([
    ['the last two', {last: 2}, ['2026-11-21T02:00', '2026-11-20T02:00']],
    ['three days', {daily: 3}, ['2026-11-21T02:00', '2026-11-20T02:00', '2026-11-19T02:00']],
    // 21 November 2026 is a Saturday.
    ['three weeks, from Monday to Sunday', {weekly: 3}, ['2026-11-21T02:00', '2026-11-15T02:00', '2026-11-08T02:00']],
    ['three months', {monthly: 3}, ['2026-11-21T02:00', '2026-10-31T02:00', '2026-09-30T02:00']],
    ['two years', {yearly: 2}, ['2026-11-21T02:00', '2025-12-31T02:00']],
    ['all at once', {last: 1, daily: 2, monthly: 2}, ['2026-11-21T02:00', '2026-11-20T02:00', '2026-10-31T02:00']],
  ])('%s', (_, policy, kept) => {
    expect(keptIds(nights(500), policy)).toEqual(kept);
  });

  it('names every reason', () => {
    expect(decide(nights(3), {last: 1, daily: 2, monthly: 1})).toEqual({
      kept: ['2026-11-21T02:00: last daily monthly newest latest', '2026-11-20T02:00: daily'],
      removed: ['2026-11-19T02:00'],
    });
  });

  it('counts the periods that have a set, however long ago they are', () => {
    const sets = ['2026-11-21T02:00Z', '2026-11-21T01:00Z', '2026-08-01T02:00Z', '2023-08-01T02:00Z', '2022-08-01T02:00Z'].map((time) => made(time));
    expect(keptIds(sets, {daily: 3})).toEqual(['2026-11-21T02:00', '2026-08-01T02:00', '2023-08-01T02:00']);
  });

  it('does not mind the order it gets the sets in', () => {
    const sets = nights(60);
    const shuffled = sets.toSorted((a, b) => a.id.slice(-8).localeCompare(b.id.slice(-8)) || b.id.localeCompare(a.id));
    expect(decide(shuffled.toReversed(), standard)).toEqual(decide(sets, standard));
  });

  it('decides on no sets', () => {
    expect(planRetention([], standard, {now})).toEqual({kept: [], removed: [], held: null, warnings: []});
  });
});

describe('periods are those of UTC', () => {
  it.each<[string, string[], Partial<RetentionPolicy>, string[]]>([
    ['the last and the first minute of a day', ['2026-10-25T00:00Z', '2026-10-24T23:59Z'], {daily: 2}, ['2026-10-25T00:00', '2026-10-24T23:59']],
    // In Berlin the clock shows 02:30 twice in this night.
    ['the night when clocks go back', ['2026-10-25T01:30Z', '2026-10-25T00:30Z', '2026-10-24T22:30Z'], {daily: 2}, ['2026-10-25T01:30', '2026-10-24T22:30']],
    ['the night when clocks go forward', ['2026-03-29T01:30Z', '2026-03-28T23:30Z'], {daily: 2}, ['2026-03-29T01:30', '2026-03-28T23:30']],
    ['a week across the end of a year', ['2026-01-04T23:59Z', '2026-01-01T00:00Z', '2025-12-29T00:00Z', '2025-12-28T23:59Z'], {weekly: 2}, ['2026-01-04T23:59', '2025-12-28T23:59']],
    ['a leap day', ['2024-03-01T00:00Z', '2024-02-29T23:59Z', '2024-02-28T12:00Z'], {monthly: 2}, ['2024-03-01T00:00', '2024-02-29T23:59']],
  ])('%s', (_, times, policy, kept) => {
    expect(keptIds(times.map((time) => made(time)), policy)).toEqual(kept);
  });
});

describe('what is counted apart', () => {
  it('a dump of the database each hour does not displace the nightly set', () => {
    const hourly = Array.from({length: 24 * 30}, (_, index) => made(now.getTime() - index * hour, {sources: ['db']}));
    const nightly = nights(30);
    const kept = keptIds([...hourly, ...nightly], {last: 1, daily: 7});
    expect(kept.filter((id) => !id.endsWith('db'))).toEqual(nightly.slice(0, 7).map(({id}) => id));
    expect(kept.filter((id) => id.endsWith('db'))).toHaveLength(7);
  });

  it('imported sets: a hundred of them displace no night, and no night displaces them', () => {
    const imported = nights(100, {isImported: true, host: 'h'}, new Date('2026-11-20T12:00:00Z')).map((set) => ({...set, id: `${set.id} imported`}));
    const kept = keptIds([...imported, ...nights(10)], {last: 2, monthly: 3});
    expect(kept.filter((id) => !id.endsWith('imported'))).toEqual(keptIds(nights(10), {last: 2, monthly: 3}));
    expect(kept.filter((id) => id.endsWith('imported'))).toEqual(['2026-11-20T02:00 imported', '2026-11-19T02:00 imported', '2026-10-31T02:00 imported', '2026-09-30T02:00 imported']);
  });

  it('sets of the earlier command line: alone by the same rules; nights displace them, and they displace no night', () => {
    const earlier = (count: number, options: SetOptions = {}) => nights(count, {isEarlier: true, ...options}, new Date('2026-11-20T12:00:00Z')).map((set) => ({...set, id: `${set.id} earlier`, manifest: undefined}));
    expect(keptIds(earlier(30), {last: 1, daily: 7})).toHaveLength(7);
    expect(keptIds([...earlier(30), ...nights(1)], {daily: 3})).toEqual(['2026-11-21T02:00', '2026-11-20T02:00 earlier', '2026-11-19T02:00 earlier']);
    // Dumps of the database alone go too once sets of everything have come in their place.
    const dumps = earlier(30, {sources: ['db']});
    expect(keptIds([...dumps, ...nights(1)], {daily: 2})).toEqual(['2026-11-21T02:00', '2026-11-20T02:00 db earlier']);
    const later = [...nights(9), ...dumps.map((set) => ({...set, time: new Date(set.time.getTime() - 20 * day)}))];
    expect(keptIds(later, {last: 1, daily: 7})).toEqual(keptIds(nights(9), {last: 1, daily: 7}));
    // What the nights do not hold stays.
    expect(keptIds([...nights(9, {sources: ['db']}), ...earlier(2, {sources: ['uploads']})], {last: 1})).toEqual(['2026-11-21T02:00 db', '2026-11-20T02:00 uploads earlier']);
  });

  it('sets made by restores', () => {
    const safety = made('2026-11-21T03:00Z', {isSafety: true});
    const older = made('2026-06-01T03:00Z', {isSafety: true});
    expect(decide([safety, older, ...nights(2)], {daily: 1})).toEqual({
      kept: ['2026-11-21T03:00: daily newest', '2026-11-21T02:00: daily newest latest'],
      removed: ['2026-11-20T02:00', '2026-06-01T03:00'],
    });
  });

  it('sets of another host, the newest complete one of which always stays', () => {
    const other = nights(5, {host: 'other'}, new Date('2025-01-10T12:00:00Z'));
    expect(decide([...other, ...nights(3)], {last: 1})).toEqual({
      kept: ['2026-11-21T02:00: last newest latest', '2025-01-10T02:00 other: last newest latest'],
      removed: ['2026-11-20T02:00', '2026-11-19T02:00', ...other.slice(1).map(({id}) => id)],
    });
  });
});

describe('incomplete sets', () => {
  it('count, but never displace a complete one of the same period', () => {
    const sets = [
      made('2026-11-21T09:00Z', {state: 'incomplete'}), made('2026-11-21T02:00Z'),
      made('2026-11-20T09:00Z', {state: 'incomplete'}),
      made('2026-11-19T09:00Z', {state: 'incomplete'}), made('2026-11-19T08:00Z', {state: 'incomplete'}),
    ];
    expect(decide(sets, {daily: 3})).toEqual({
      kept: ['2026-11-21T02:00: daily newest latest', '2026-11-20T09:00: daily', '2026-11-19T09:00: daily'],
      removed: ['2026-11-21T09:00', '2026-11-19T08:00'],
    });
  });

  it('never push out the newest complete one, however many there are', () => {
    const sets = [...nights(40, {state: 'incomplete'}), made('2026-01-01T02:00Z')];
    expect(decide(sets, {last: 3, daily: 3}).kept.at(-1)).toBe('2026-01-01T02:00: newest latest');
  });

  it('are kept by the rules when there are no others', () => {
    expect(keptIds(nights(5, {state: 'incomplete'}), {daily: 2})).toEqual(['2026-11-21T02:00', '2026-11-20T02:00']);
  });
});

describe('sets of runs that died', () => {
  const killed = (time: string, sources?: string[], host?: string) => made(time, {killed: true, ...(sources && {sources}), ...(host && {host})});

  it('go a day later, when a newer complete set holds the same', () => {
    expect(decide([made('2026-11-20T12:00Z'), killed('2026-11-20T11:59Z', ['db']), killed('2026-11-19T02:00Z')], standard).removed).toEqual(['2026-11-20T11:59 db', '2026-11-19T02:00']);
  });

  it.each<[string, BackupSet[]]>([
    ['it is no day old', [made('2026-11-21T02:00Z'), killed('2026-11-20T12:01Z', ['db'])]],
    ['nothing newer is there', [killed('2026-11-19T02:00Z', ['db']), made('2026-11-18T02:00Z')]],
    ['the newer set is of other data', [made('2026-11-21T02:00Z', {sources: ['uploads']}), killed('2026-11-19T02:00Z', ['db'])]],
    ['the newer set is of another host', [made('2026-11-21T02:00Z', {host: 'other'}), killed('2026-11-19T02:00Z', ['db'])]],
    ['the newer set is incomplete', [made('2026-11-21T02:00Z', {state: 'incomplete'}), killed('2026-11-19T02:00Z', ['db'])]],
    ['the newer set is the state before a restore', [made('2026-11-21T02:00Z', {isSafety: true}), killed('2026-11-19T02:00Z', ['db'])]],
    ['the newer set is from the future', [made('2027-11-21T02:00Z'), killed('2026-11-19T02:00Z', ['db'])]],
  ])('stay while %s', (_, sets) => {
    expect(planRetention(sets, standard, {now}).removed).toEqual([]);
  });

  it('take no place in the count of others', () => {
    expect(keptIds([killed('2026-11-21T11:00Z'), ...nights(3)], {last: 2})).toEqual(['2026-11-21T11:00', '2026-11-21T02:00', '2026-11-20T02:00']);
  });
});

it('sets from the future stay, take no place of others and are warned of', () => {
  const {kept, removed, warnings} = planRetention([made('2027-01-01T00:00Z'), ...nights(2)], {...none, last: 1}, {now});
  expect(kept.map(({set, reasons}) => [set.id, reasons])).toEqual([['2027-01-01T00:00', ['future']], ['2026-11-21T02:00', ['last', 'newest', 'latest']]]);
  expect(removed.map(({set}) => set.id)).toEqual(['2026-11-20T02:00']);
  expect(warnings).toEqual([expect.stringMatching(/^1 set with a time in the future cannot be judged and stays: 2027-01-01T00:00\. Was a clock wrong\?$/)]);
  expect(planRetention([made(now.getTime() + 30_000)], standard, {now}).warnings).toEqual([]);
});

describe('400 nights, pruned each time', () => {
  it.each<[string, Partial<RetentionPolicy>, number]>([
    ['the defaults', standard, 30],
    ['one rule', {yearly: 1}, 2],
    ['one set', {last: 1}, 2],
    ['everything', {last: 500}, 1000],
  ])('with %s the newest complete set is never lost, and the number stays small', (_, policy, most) => {
    let sets: BackupSet[] = [];
    const begin = Date.parse('2025-10-01T02:00:00Z');
    for (let night = 0; night < 400; night += 1) {
      const at = begin + night * day;
      // Now and then a run dies or finds unreadable files, and at times the database is dumped by itself.
      const options: SetOptions = night % 7 === 3 ? {killed: true} : night % 11 === 5 ? {state: 'incomplete'} : {};
      sets.push(made(at, options));
      if (night % 3 === 0) sets.push(made(at + hour, {sources: ['db']}));
      const newestOf = (sources: number) => sets.filter((set) => set.state === 'complete' && set.snapshots.length === sources).at(-1);
      const newest = [newestOf(1), newestOf(2)].filter((set) => set !== undefined);
      const {kept, removed} = planRetention(sets, {...none, ...policy}, {now: new Date(at + 2 * hour)});
      expect(kept.length + removed.length).toBe(sets.length);
      sets = kept.map(({set}) => set).toReversed();
      for (const set of newest) expect(sets).toContain(set);
      expect(sets.length).toBeLessThanOrEqual(Math.max(most * 2, 4));
    }
  });
});

describe('one host with several names', () => {
  const renamed = [...nights(3), ...nights(3, {host: 'old'}, new Date('2026-11-18T12:00:00Z'))];
  const options = {now, hostNames: new Set(['h', 'old'])};

  it('has one count for all of them', () => {
    const {kept, removed} = planRetention(renamed, {...none, last: 4}, options);
    expect(kept.map(({set}) => set.id)).toEqual(['2026-11-21T02:00', '2026-11-20T02:00', '2026-11-19T02:00', '2026-11-18T02:00 old']);
    expect(kept.at(-1)?.reasons).toEqual(['last']);
    expect(removed).toHaveLength(2);
  });

  it('supersedes its own dead runs, and displaces no other host', () => {
    const died = made('2026-11-17T03:00Z', {killed: true, host: 'old'});
    const other = nights(3, {host: 'other'});
    const {removed} = planRetention([...renamed, died, ...other], {...none, last: 2}, options);
    expect(removed.map(({set}) => set)).toContain(died);
    expect(removed.filter(({set}) => set.host === 'other').map(({set}) => set)).toEqual(other.slice(2));
  });
});

it('the last set that passed a restore test stays', () => {
  const sets = nights(5);
  const {kept} = planRetention(sets, {...none, last: 1}, {now, restoreTested: sets[3]?.id});
  expect(kept.map(({set, reasons}) => [set.id, reasons.at(-1)])).toEqual([['2026-11-21T02:00', 'latest'], ['2026-11-18T02:00', 'restore-tested']]);
});

describe('while something keeps sets from going', () => {
  it('all stay, and the reason is told', () => {
    const {kept, removed, held} = planRetention(nights(3), {...none, last: 1}, {now, hold: 'odd'});
    expect([kept.map(({reasons}) => reasons.at(-1)), removed, held]).toEqual([['latest', 'held', 'held'], [], 'odd']);
  });

  it('nothing is told when none would go', () => {
    expect(planRetention(nights(3), {...none, last: 3}, {now, hold: 'odd'}).held).toBeNull();
  });
});

describe('rules as spans of time', () => {
  const within = (policy: Partial<RetentionPolicy>): RetentionPolicy => ({...none, ...policy, mode: 'within'});
  const keptWithin = (sets: readonly BackupSet[], policy: Partial<RetentionPolicy>, ownSets?: ReadonlySet<string>) => planRetention(sets, within(policy), {now, ownSets}).kept.map(({set}) => set);

  it('keep as many nights as the counts do, and all sets of the last days', () => {
    const sets = nights(400);
    expect(keptWithin(sets, {daily: 7})).toEqual(sets.slice(0, 7));
    expect(keptWithin(sets, {monthly: 12}).map(({id}) => id.slice(0, 10))).toEqual(['2026-11-21', '2026-10-31', '2026-09-30', '2026-08-31', '2026-07-31', '2026-06-30', '2026-05-31', '2026-04-30', '2026-03-31', '2026-02-28', '2026-01-31', '2025-12-31', '2025-11-30']);
    const hourly = Array.from({length: 100}, (_, index) => made(now.getTime() - index * hour));
    expect(keptWithin(hourly, {last: 3})).toEqual(hourly.slice(0, 72));
  });

  it('take nothing away while no backup is made', () => {
    const sets = nights(30, {}, new Date('2026-02-01T12:00:00Z'));
    expect(keptWithin(sets, {daily: 7})).toEqual(sets.slice(0, 7));
  });

  // The three attacks that restic's manual warns of where others can add snapshots.
  const own = nights(60);
  const flood = Array.from({length: 200}, (_, index) => ({...made(now.getTime() - index * 60_000), id: `fresh ${index}`}));
  const backdated = nights(60).map((set) => ({...set, id: `later ${set.id}`, time: new Date(set.time.getTime() + 20 * hour)}));
  const future = Array.from({length: 50}, (_, index) => ({...made(now.getTime() + (index + 1) * 30 * day), id: `future ${index}`}));

  it.each<[string, BackupSet[]]>([['a flood of fresh sets', flood], ['a later set in each day', backdated], ['sets of the future', future]])('%s that a stranger adds displaces none of our own', (_, added) => {
    const ids = new Set(own.map(({id}) => id));
    const kept = keptWithin([...added, ...own], standard, ids);
    expect(kept.filter(({id}) => ids.has(id))).toEqual(keptWithin(own, standard, ids));
  });
});

it.each([[2, ['2026-11-21T02:00', '2026-11-16T02:00']], [1, ['2026-11-21T02:00']]])('while a rule of %d weeks has room, the oldest set stays as well, as restic has it', (weekly, kept) => {
  // From Monday to Saturday of one week.
  expect(keptIds(nights(6), {weekly})).toEqual(kept);
});
