import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {readPrevious, suggestFreeingSpace} from '../../../src/operations/previous.ts';
import {TimetilesError} from '../../../src/shared/errors.ts';
import {temporaryDirectory} from '../support.ts';

function stateWith(record: object | string): {stateDirectory: string} {
  const stateDirectory = join(temporaryDirectory(), 'state');
  mkdirSync(stateDirectory);
  writeFileSync(join(stateDirectory, 'previous.json'), typeof record === 'string' ? record : JSON.stringify(record));
  return {stateDirectory};
}

const record = {id: 'a', set: 'the-set', time: '2026-11-21T02:00:00.000Z', entries: [], stopped: [], safetySet: null, kept: true, bytes: 2048, until: null};
const noRoom = new TimetilesError('no-room', 'restoring needs 2.00 GiB beside the volume x, but its disk has only 1.00 GiB free', 'Free some space.');

it('tells whoever has no room for a restore what an earlier one kept', () => {
  expect(suggestFreeingSpace(stateWith(record), noRoom)).toMatchObject({
    kind: 'no-room',
    next: 'Free some space. The state before the restore of set the-set is kept and takes 2.00 KiB; to remove it: timetiles restore --drop-previous',
  });
});

it('leaves all other errors, and those where nothing is kept, as they are', () => {
  const other = new TimetilesError('restore', 'the dump does not load', 'Correct it.');
  expect(suggestFreeingSpace(stateWith(record), other)).toBe(other);
  expect(suggestFreeingSpace(stateWith({...record, kept: false}), noRoom)).toBe(noRoom);
  expect(suggestFreeingSpace({stateDirectory: '/nowhere'}, noRoom)).toBe(noRoom);
});

it('names a record that cannot be read', () => {
  expect(() => readPrevious(stateWith('{'))).toThrow(/the record of the state before the last restore cannot be read: .*previous.json/);
});
