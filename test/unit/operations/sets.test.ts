import {describe, expect, it} from 'vitest';
import {chooseSet, groupSets, importedTags, manifestTags, setsByFile, sourceTags} from '../../../src/operations/sets.ts';
import type {Snapshot} from '../../../src/restic/messages.ts';
import {problem, thrownBy} from '../support.ts';

const ids = {old: '20261118T020000Z-aaaa', safety: '20261120T090000Z-cccc', broken: '20261121T020000Z-dddd', good: '20261119T020000Z-bbbb'};

function snapshot(id: string, tags: string[], time = '2026-11-18T02:00:00Z'): Snapshot {
  return {id: id.padEnd(64, '0'), time, hostname: 'h', paths: ['/'], tags};
}

function setOf(id: string, digits: string, sources: string[], marks = {safety: false, incomplete: false, suspicious: false}): Snapshot[] {
  return [
    ...sources.map((source, index) => snapshot(`${digits}${index}`, sourceTags(id, source))),
    snapshot(`${digits}f`, manifestTags(id, sources, marks)),
  ];
}

const repository = [
  ...setOf(ids.good, 'b1', ['db', 'uploads']),
  ...setOf(ids.old, 'a1', ['db', 'uploads']),
  // A run that died before its manifest.
  snapshot('d10', sourceTags(ids.broken, 'db')),
  ...setOf(ids.safety, 'c1', ['db'], {safety: true, incomplete: false, suspicious: false}),
  // Somebody's own snapshot with our tag but no set.
  snapshot('e10', ['timetiles', 'db']),
];
const sets = groupSets(repository);

it('a file that was imported is known by its digest once its set is finished', () => {
  const finished = [snapshot('1', importedTags(ids.old, 'db', 'aaaa')), snapshot('2', manifestTags(ids.old, ['db'], {safety: false, incomplete: false, suspicious: false, imported: true}))];
  const killed = snapshot('3', importedTags(ids.good, 'uploads', 'bbbb'));
  const found = groupSets([...finished, killed, ...setOf(ids.safety, 'c1', ['db'])]);
  expect(setsByFile(found)).toEqual(new Map([['aaaa', ids.old]]));
  expect(found.map(({id, isImported, snapshots}) => [id, isImported, snapshots[0]?.source])).toEqual([[ids.safety, false, 'db'], [ids.good, false, 'uploads'], [ids.old, true, 'db']]);
});

describe('groupSets', () => {
  it('sorts sets newest first and leaves foreign snapshots out', () => {
    expect(sets.map(({id, state, isSafety}) => [id, state, isSafety])).toEqual([
      [ids.broken, 'incomplete', false],
      [ids.safety, 'complete', true],
      [ids.good, 'complete', false],
      [ids.old, 'complete', false],
    ]);
  });

  it('names the sources and keeps the manifest apart', () => {
    const good = sets.find((set) => set.id === ids.good);
    expect(good?.snapshots.map(({source}) => source)).toEqual(['db', 'uploads']);
    expect(good?.manifest).toBe('b1f'.padEnd(64, '0'));
    expect(good?.time).toEqual(new Date('2026-11-19T02:00:00Z'));
  });

  it.each([
    ['lacks its manifest', [snapshot('1', sourceTags('s', 'db'))], 'incomplete'],
    ['lacks a source that the manifest names', setOf('s', '1', ['db', 'uploads']).slice(1), 'incomplete'],
    ['is marked incomplete', setOf('s', '1', ['db'], {safety: false, incomplete: true, suspicious: false}), 'incomplete'],
    ['has all that the manifest names', setOf('s', '1', ['db']), 'complete'],
    ['is in no order', setOf('s', '1', ['db', 'uploads']).toReversed(), 'complete'],
  ])('a set that %s is %s', (_, members, state) => {
    expect(groupSets(members)).toMatchObject([{id: 's', state}]);
  });

  it('tells a suspicious set, which is complete all the same', () => {
    expect(groupSets(setOf('s', '1', ['db'], {safety: false, incomplete: false, suspicious: true}))).toMatchObject([{state: 'complete', isSuspicious: true}]);
    expect(groupSets(setOf('s', '1', ['db']))).toMatchObject([{isSuspicious: false, isImported: false}]);
  });

  it('takes the time of the first snapshot where the id tells none', () => {
    const members = [snapshot('1', sourceTags('odd', 'db'), '2026-11-18T05:00:00Z'), snapshot('2', sourceTags('odd', 'uploads'), '2026-11-18T04:00:00Z')];
    expect(groupSets(members)[0]?.time).toEqual(new Date('2026-11-18T04:00:00Z'));
  });
});

describe('chooseSet', () => {
  it('latest is the newest complete set that no restore made', () => {
    expect(chooseSet(sets, 'latest')).toMatchObject({set: {id: ids.good}, snapshot: undefined});
  });

  it('latest with a source is the newest complete set that has it', () => {
    const more = groupSets([...repository, ...setOf('20261122T020000Z-eeee', 'e2', ['uploads'])]);
    expect(chooseSet(more, 'latest', 'uploads').set.id).toBe('20261122T020000Z-eeee');
    expect(chooseSet(more, 'latest', 'db').set.id).toBe(ids.good);
  });

  it.each([
    ['a whole id', ids.safety, ids.safety, undefined],
    ['the beginning of an id', '20261119', ids.good, undefined],
    ['an id in lower case', ids.old.toLowerCase(), ids.old, undefined],
    ['an incomplete set, when it is named', ids.broken, ids.broken, undefined],
    ['a snapshot', 'b11', ids.good, 'uploads'],
    ["a set by its manifest's snapshot", 'b1f', ids.good, undefined],
  ])('finds %s', (_, wanted, id, source) => {
    const chosen = chooseSet(sets, wanted);
    expect(chosen.set.id).toBe(id);
    expect(chosen.snapshot?.source).toBe(source);
  });

  it('names what an ambiguous beginning matches', async () => {
    expect(await thrownBy(() => chooseSet(sets, '202611'))).toMatchObject(problem('ambiguous', /^202611 matches 4 times: set .*-dddd, set .*-aaaa$/, 'Give more of the id.'));
    expect(await thrownBy(() => chooseSet(sets, 'b1'))).toMatchObject(problem('ambiguous', /snapshot b10000000000 \(db\), snapshot b11000000000 \(uploads\)/));
  });

  it('lists what there is instead of what there is not', async () => {
    const error = await thrownBy(() => chooseSet(sets, 'nope'));
    expect(error).toMatchObject(problem('not-found', /^there is no set or snapshot nope; there are: /, 'timetiles backup list'));
    for (const id of Object.values(ids)) expect(error.message).toContain(id);
    expect(error.message).toContain('db b1000000, uploads b1100000');
    expect(error.message).toContain(`${ids.broken} (incomplete; db d1000000)`);
    expect(error.exitCode).toBe(1);
  });

  it('counts the older ones of a long list', async () => {
    const many = groupSets(Array.from({length: 15}, (_, index) => setOf(`202611${String(index + 10)}T020000Z-aaaa`, `${index}`, ['db'])).flat());
    expect((await thrownBy(() => chooseSet(many, 'nope'))).message).toMatch(/ and 5 older sets$/);
  });

  it.each([
    ['an empty repository', [], undefined, /no complete set; the repository has no sets yet/],
    ['incomplete sets alone', [snapshot('1', sourceTags('s', 'db'))], undefined, /no complete set; there are: s \(incomplete; db 1/],
    ['no set with the source', setOf('s', '1', ['db']), 'uploads', /no complete set with uploads; there are: s/],
  ])('has no latest in %s', async (_, members, source, message) => {
    expect(await thrownBy(() => chooseSet(groupSets(members), 'latest', source))).toMatchObject(problem('not-found', message, 'timetiles backup'));
  });

  it('refuses an empty word, with which every id begins', async () => {
    expect(await thrownBy(() => chooseSet(sets, ''))).toMatchObject(problem('usage', 'the name of the set is empty', 'timetiles backup list'));
  });
});
