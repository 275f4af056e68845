import {readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {createResticHandle} from '../../../src/restic/handle.ts';
import type {Snapshot} from '../../../src/restic/messages.ts';
import {readToldSnapshots, rememberToldSnapshots} from '../../../src/operations/told-snapshots.ts';
import {temporaryDirectory} from '../support.ts';

const log = {showsProgress: false, info: () => {}, warn: () => {}, debug: () => {}, progress: () => {}};
const contextOf = (stateDirectory: string, repository: string) => ({stateDirectory, log, restic: createResticHandle({repository, password: undefined, variables: {}})});
const snapshot = (id: string): Snapshot => ({id, time: '2026-11-21T02:00:00Z', hostname: 'host', paths: ['/database.sql'], tags: ['db'], summary: {total_bytes_processed: 7}});

it('tells what restic told, of the repository and of the snapshots that are asked for', async () => {
  const stateDirectory = temporaryDirectory();
  const here = contextOf(stateDirectory, '/here');
  await rememberToldSnapshots(here, new Set(['a', 'b', 'foreign']), [snapshot('a'), snapshot('b'), snapshot('accounted for')]);
  expect(readToldSnapshots(here, new Set(['a', 'b', 'foreign']))).toEqual([snapshot('a'), snapshot('b')]);
  expect(readToldSnapshots(here, new Set(['b']))).toEqual([snapshot('b')]);
  expect(readToldSnapshots(here, new Set(['foreign']))).toEqual([]);
  expect(readToldSnapshots(contextOf(stateDirectory, '/there'), new Set(['a']))).toBeUndefined();
});

it('tells nothing where one of them is new, or where its file is damaged', async () => {
  const stateDirectory = temporaryDirectory();
  const here = contextOf(stateDirectory, '/here');
  await rememberToldSnapshots(here, new Set(['a']), [snapshot('a')]);
  expect(readToldSnapshots(here, new Set(['a', 'new']))).toBeUndefined();
  for (const name of readdirSync(stateDirectory)) writeFileSync(join(stateDirectory, name), '{"format":1,"snapsh');
  expect(readToldSnapshots(here, new Set(['a']))).toBeUndefined();
});
