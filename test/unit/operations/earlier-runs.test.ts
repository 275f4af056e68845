import {describe, expect, it} from 'vitest';
import {chooseSet, groupSets, sourceTags} from '../../../src/operations/sets.ts';
import {pathInSnapshot, pathOfData, recogniseEarlier} from '../../../src/restic/earlier.ts';
import {createResticHandle} from '../../../src/restic/handle.ts';
import type {Snapshot} from '../../../src/restic/messages.ts';

/** A snapshot of the earlier command line: minutes after 02:00 UTC. */
function stored(id: string, tag: string, minutes: number, more: Partial<Snapshot> = {}): Snapshot {
  const path = tag === 'db' ? `/tmp/tmp.${id}/database.sql` : '/opt/timetiles/uploads';
  return {id: id.padEnd(64, '0'), time: new Date(Date.UTC(2026, 10, 21, 2, minutes)).toISOString(), hostname: 'srv', paths: [path], tags: [tag], ...more};
}

describe('what the earlier command line made is known by its tag and its one path', () => {
  it.each<[string, Partial<Snapshot>, ReturnType<typeof recogniseEarlier>]>([
    ['a dump in a temporary directory', {tags: ['db'], paths: ['/tmp/tmp.AbC123/database.sql']}, {source: 'db', root: '/tmp/tmp.AbC123'}],
    ['a dump from its standard input', {tags: ['db'], paths: ['/database.sql']}, {source: 'db', root: ''}],
    ['the uploads', {tags: ['uploads'], paths: ['/opt/timetiles/uploads']}, {source: 'uploads', root: '/opt/timetiles/uploads'}],
    ['the uploads, as an unclean path', {tags: ['uploads'], paths: ['/opt/timetiles/./uploads/']}, {source: 'uploads', root: '/opt/timetiles/uploads'}],
    ['the uploads, read from within a container', {tags: ['uploads'], paths: ['/data']}, {source: 'uploads', root: '/data'}],
    ['this tool\'s own', {tags: ['timetiles', 'set:x', 'db'], paths: ['/database.sql']}, undefined],
    ['with a further tag', {tags: ['db', 'monthly'], paths: ['/database.sql']}, undefined],
    ['another file with that tag', {tags: ['db'], paths: ['/var/lib/app.sqlite']}, undefined],
    ['several directories', {tags: ['uploads'], paths: ['/srv/a', '/srv/b']}, undefined],
    ['the whole machine', {tags: ['uploads'], paths: ['/']}, undefined],
    ['without tags', {tags: [], paths: ['/database.sql']}, undefined],
  ])('%s', (_, snapshot, expected) => {
    expect(recogniseEarlier({tags: [], paths: [], ...snapshot})).toEqual(expected);
  });
});

describe('runs of the earlier command line', () => {
  it.each<[string, Snapshot[], string[]]>([
    ['backup full: the uploads after the database', [stored('a', 'db', 0), stored('b', 'uploads', 1)], ['db a + uploads b']],
    ['a dump alone', [stored('a', 'db', 0)], ['db a']],
    ['a nightly dump, then the weekly pair', [stored('a', 'db', 0), stored('b', 'db', 55), stored('c', 'uploads', 56)], ['db b + uploads c', 'db a']],
    ['uploads that were saved by hand the day after', [stored('a', 'db', 0), stored('b', 'uploads', 60 * 24)], ['uploads b', 'db a']],
    ['uploads twice', [stored('a', 'db', 0), stored('b', 'uploads', 1), stored('c', 'uploads', 2)], ['uploads c', 'db a + uploads b']],
    ['two hosts', [stored('a', 'db', 0), stored('b', 'uploads', 1, {hostname: 'other'})], ['uploads b', 'db a']],
    ['uploads that a container saved', [stored('a', 'db', 0), stored('b', 'uploads', 1, {hostname: '0123456789ab', paths: ['/data']})], ['db a + uploads b']],
    ['in any order', [stored('b', 'uploads', 1), stored('a', 'db', 0)], ['db a + uploads b']],
    ['beside what somebody else keeps there', [stored('a', 'db', 0), stored('x', 'db', 1, {paths: ['/etc']})], ['db a']],
  ])('%s', (_, snapshots, expected) => {
    const sets = groupSets(snapshots);
    expect(sets.map((set) => set.snapshots.map(({source, id}) => `${source} ${id.replaceAll('0', '')}`).join(' + '))).toEqual(expected);
    expect(sets.every(({isEarlier, state, manifest, host}) => isEarlier && state === 'complete' && manifest === undefined && host !== '0123456789ab')).toBe(true);
  });

  it('are sets whose ids sort by time, also beside those of this tool', () => {
    const own = {...stored('f', 'db', 30), tags: sourceTags('20261121T023000Z-abcd', 'db')};
    expect(groupSets([stored('a1', 'db', 0), own, stored('c1', 'db', 90)]).map(({id, isEarlier}) => [id, isEarlier])).toEqual([
      ['20261121T033000Z-c100', true],
      ['20261121T023000Z-abcd', false],
      ['20261121T020000Z-a100', true],
    ]);
  });

  it('keep their ids in a copy, where snapshots have others', () => {
    const [here, there] = [stored('a1b2', 'db', 0), stored('ffff', 'db', 0, {original: 'a1b2'.padEnd(64, '0')})];
    expect(groupSets([there])[0]?.id).toBe(groupSets([here])[0]?.id);
  });

  it('are chosen by their own id and by a snapshot\'s, alone or one of the two', () => {
    const sets = groupSets([stored('a1', 'db', 0), stored('b1', 'uploads', 1), stored('c1', 'db', 1440)]);
    expect(chooseSet(sets, 'latest')).toMatchObject({set: {id: '20261122T020000Z-c100'}, snapshot: undefined});
    expect(chooseSet(sets, 'latest', 'uploads')).toMatchObject({set: {id: '20261121T020000Z-a100'}});
    expect(chooseSet(sets, 'b1')).toMatchObject({set: {id: '20261121T020000Z-a100'}, snapshot: {source: 'uploads'}});
    expect(chooseSet(sets, 'c1')).toMatchObject({set: {id: '20261122T020000Z-c100'}, snapshot: undefined});
    expect(() => chooseSet(sets, 'nothing')).toThrow(/20261122T020000Z-c100 \(earlier CLI; db c1000000\)/);
  });
});

it('paths of the data are found below the folder that it begins in, and nothing beside it', () => {
  const handle = createResticHandle({repository: '/r', password: undefined, variables: {}});
  handle.roots.set('s', '/opt/timetiles/uploads');
  expect(['/', '/a/b'].map((path) => pathInSnapshot(handle, 's', path))).toEqual(['/opt/timetiles/uploads', '/opt/timetiles/uploads/a/b']);
  expect(['/opt', '/opt/timetiles/uploads', '/opt/timetiles/uploads-old/x', '/opt/timetiles/uploads/a/b'].map((path) => pathOfData(handle, 's', path))).toEqual([undefined, undefined, undefined, '/a/b']);
  expect([pathInSnapshot(handle, 'other', '/'), pathOfData(handle, 'other', '/a')]).toEqual(['/', '/a']);
});
