import {describe, expect, it} from 'vitest';
import {groupVersions} from '../../../src/operations/find-files.ts';
import {findArgs, splitObjects} from '../../../src/restic/find.ts';
import {parseFilePattern} from '../../../src/shared/file-pattern.ts';

const old = {type: 'file', path: '/a.jpg', size: 1, mtime: '2026-01-01T00:00:00Z'};
const changed = {...old, size: 2, mtime: '2026-02-01T00:00:00Z'};

describe('groupVersions', () => {
  it('puts the same path, size and time of many sets together, newest version first, in any order of sets', () => {
    const groups = groupVersions(10);
    groups.add({set: '3', source: 'uploads'}, [changed], 0);
    groups.add({set: '1', source: 'uploads'}, [old], 0);
    groups.add({set: '4', source: 'uploads'}, [changed], 0);
    groups.add({set: '2', source: 'uploads'}, [old, {...old, path: '/b', type: 'dir', size: undefined}], 0);
    const {versions, isPartial} = groups.result();
    expect(versions.map(({path, size, sets, oldestSet, newestSet}) => [path, size, sets, oldestSet, newestSet])).toEqual([
      ['a.jpg', 2, 2, '3', '4'],
      ['a.jpg', 1, 2, '1', '2'],
      ['b', null, 1, '2', '2'],
    ]);
    expect(isPartial).toBe(false);
  });

  it('takes no more than its limit of memory, and says so', () => {
    const groups = groupVersions(2);
    for (let number = 0; number < 1000; number += 1) groups.add({set: '1', source: 'uploads'}, [{...old, path: `/${number}`}], 0);
    expect(groups.result()).toMatchObject({isPartial: true, versions: {length: 2}});
    const other = groupVersions(2);
    other.add({set: '1', source: 'uploads'}, [old], 7);
    expect(other.result().isPartial).toBe(true);
  });
});

it.each([1, 2, 7, 10_000])('the answer of restic find is taken apart in pieces of %i characters', (length) => {
  const answer = [
    {matches: [{path: '/a"}{[\\'}, {path: '/ü\n'}], hits: 2, snapshot: 's1'},
    {matches: [{path: '/c'}], hits: 1, snapshot: 's2'},
  ];
  const text = `${JSON.stringify(answer)}\n`;
  const seen: unknown[] = [];
  const split = splitObjects((object, isHit) => seen.push([isHit, JSON.parse(object)]));
  for (let begin = 0; begin < text.length; begin += length) split(text.slice(begin, begin + length));
  expect(seen).toEqual(answer.flatMap(({matches, hits, snapshot}) => [...matches.map((match) => [true, match]), [false, {matches: expect.anything(), hits, snapshot}]]));
});

it('a pattern that begins with a dash is no option of restic', () => {
  expect(findArgs({pattern: parseFilePattern('-rf*'), ignoreCase: true, within: {tags: ['timetiles,uploads', 'uploads']}})).toEqual(['find', '--json', '--no-lock', '--ignore-case', '--tag', 'timetiles,uploads', '--tag', 'uploads', '--', '-rf*']);
});
