import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it, onTestFinished} from 'vitest';
import type {Journal} from '../../../src/operations/journal.ts';
import {repositoryLockPath, stackLockPath} from '../../../src/operations/lock.ts';
import {findUnfinishedRestore} from '../../../src/operations/unfinished.ts';
import {acquireFileLock} from '../../../src/process/file-lock.ts';
import {temporaryDirectory} from '../support.ts';

const journal: Journal = {id: 'r1', set: 'S', begun: '2026-11-20T02:00:00.000Z', phase: 'swapping', entries: [], stopped: [{id: '1', name: 'shop-web-1'}], safetySet: null};

function makePlace() {
  const stateDirectory = temporaryDirectory();
  const repository = join(stateDirectory, 'repository');
  mkdirSync(repository);
  const place = {stateDirectory, restic: {repository}};
  const write = (text: string) => writeFileSync(join(stateDirectory, 'restore-journal.json'), text);
  const hold = async (path: string, since: string) => {
    const lock = await acquireFileLock(path, JSON.stringify({since}));
    onTestFinished(() => {
      if (lock.state === 'acquired') lock.release();
    });
  };
  return {place, write, hold, repositoryLock: repositoryLockPath(repository), stackLock: stackLockPath(place)};
}

it.each<[string, Partial<Journal>, RegExp, RegExp]>([
  ['before the swap', {phase: 'staging', stopped: []}, /^the restore of set S, begun \S+, was interrupted: the live data is as it was before$/, /^Undo it and start the app: timetiles doctor$/],
  ['in the swap', {}, /different moments.*shop-web-1$/, /^Finish it and start the app: timetiles doctor$/],
  ['while it was undone', {phase: 'reverting'}, /until it is undone; it may have left these stopped: shop-web-1$/, /^Undo it/],
  ['at its end', {phase: 'settled'}, /the restored data is in place/, /^Finish it: timetiles doctor$/],
  ['an undo', {phase: 'undoing'}, /^the undo of the restore of set S/, /^Finish it/],
  ['a recovery', {stack: {}}, /^the recovery \(timetiles dr\) of set S/, /^Finish it/],
])('a restore that was killed is told with what finishes it: %s', async (_, more, message, next) => {
  const {place, write} = makePlace();
  write(JSON.stringify({...journal, ...more}));
  const found = await findUnfinishedRestore(place);
  expect(found?.message).toMatch(message);
  expect(found?.next).toMatch(next);
});

it('one that is at work is none, be it a restore or a recovery; another run that came later hides nothing', async () => {
  const {place, write, hold, repositoryLock, stackLock} = makePlace();
  expect(await findUnfinishedRestore(place)).toBeUndefined();
  write(JSON.stringify(journal));
  await hold(repositoryLock, '2026-11-20T03:00:00.000Z');
  expect(await findUnfinishedRestore(place)).toBeDefined();
  await hold(stackLock, '2026-11-20T01:59:00.000Z');
  expect(await findUnfinishedRestore(place)).toBeUndefined();
});

it('a journal that is damaged is told as such', async () => {
  const {place, write} = makePlace();
  write('{');
  expect(await findUnfinishedRestore(place)).toMatchObject({message: expect.stringContaining('cannot be read'), next: expect.stringContaining('timetiles doctor')});
});
