import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {missingFilesWarnings, openPathList} from '../../../src/operations/expected-files.ts';
import {temporaryDirectory} from '../support.ts';

it('keeps any number of paths in order, in a file that nobody else sees', async () => {
  const directory = temporaryDirectory();
  const list = await openPathList(directory);
  const given = Array.from({length: 20_000}, (_, index) => `2024/photo ${index}\n"ü".jpg`);
  for (const path of given) list.add(path);
  expect(list.filled()).toBeUndefined();
  list.end();
  expect(list.filled()).toEqual({count: 20_000, problem: undefined});
  const read: string[] = [];
  for await (const path of list.paths()) read.push(path);
  expect(read).toEqual(given);
  expect(readdirSync(directory)).toEqual([]);
  await list.close();
  list.add('too late');
  await list.close();
});

it('a directory that cannot be written fails no backup', async () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'file'), '');
  const list = await openPathList(join(directory, 'file'));
  list.add('a');
  list.end();
  expect(list.filled()).toEqual({count: 0, problem: expect.stringContaining('EEXIST')});
  await list.close();
});

it('says what is missing, and what to do', () => {
  expect(missingFilesWarnings(undefined)).toEqual([]);
  expect(missingFilesWarnings({state: 'checked', expected: 5, count: 0, sample: []})).toEqual([]);
  expect(missingFilesWarnings({state: 'checked', expected: 5, count: 1, sample: ['a.jpg']})).toEqual([expect.stringMatching(/^files-missing: 1 file of the 5 .* is not in the set: a\.jpg\. Look for it/)]);
  expect(missingFilesWarnings({state: 'checked', expected: 9, count: 6, sample: ['a', 'b', 'c', 'd', 'e']})).toEqual([expect.stringContaining('are not in the set: a, b, c, d, e, …. Look')]);
  expect(missingFilesWarnings({state: 'not-checked', reason: 'no such table'})).toEqual([expect.stringContaining('files-missing: not checked, no such table')]);
});
