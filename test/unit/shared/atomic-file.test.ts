import {spawnSync} from 'node:child_process';
import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {removeDeadTemporaries, writeFileAtomically} from '../../../src/shared/atomic-file.ts';
import {temporaryDirectory} from '../support.ts';

it('removes what killed processes left, and nothing of those that live', async () => {
  const directory = temporaryDirectory();
  const dead = spawnSync(process.execPath, ['--version']).pid;
  await writeFileAtomically(join(directory, 'journal.json'), '{}');
  for (const name of [`journal.json.${dead}.tmp`, `journal.json.${process.pid}.tmp`, 'other.tmp', `notes.${dead}.txt`]) writeFileSync(join(directory, name), '');
  removeDeadTemporaries(directory);
  expect(readdirSync(directory).toSorted()).toEqual(['journal.json', `journal.json.${process.pid}.tmp`, `notes.${dead}.txt`, 'other.tmp']);
  expect(() => removeDeadTemporaries(join(directory, 'nowhere'))).not.toThrow();
});
