import {readdirSync, readFileSync, renameSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {randomBytes} from 'node:crypto';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {z} from 'zod';
import {expectExit, timetiles} from '../support/cli.ts';
import {imageFor} from '../support/images.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {failures, leftOfTests, restoreTest} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, fillStack} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let set: string;
let copy: string;

beforeAll(async () => {
  // A first start that serves on the socket alone for a while, and then ends, as that of the official images.
  stack = await startStack(useBench(), {heartbeat: false, environment: 'kartoza', postgresImage: 'postgresTwoStarts', uploads: 'directory'});
  await makeCheapRepository(stack);
  copy = join(stack.scratch, 'copy');
  await stack.writeConfig({RESTIC_OFFSITE_REPOSITORY: copy});
  await fillStack(stack, {rows: 500, files: 10});
  writeFileSync(join(stack.uploadsPath, 'noise'), randomBytes(3_000_000));
  ({set} = await backUp(stack, 'newest', ['--offsite']));
});
afterAll(() => stack?.stop());

const listed = async (args: string[] = []) => (await timetiles(['backup', 'list', ...args, '--json'], {stack})).json().sets;

test('a copy that restic made, whose snapshots have other ids, passes by itself', async () => {
  const result = await restoreTest(stack, ['latest', '--offsite']);
  expect(result.stdout === '' ? [] : failures(result)).toEqual([]);
  expectExit(result, 0);
  expect(result.json()).toMatchObject({state: 'passed', set, from: 'offsite', repository: copy, image: {name: await imageFor(stack.bench.dockerHost, 'postgresTwoStarts')}});
  expect(await leftOfTests(stack)).toEqual([]);
  expect(await listed(['--offsite'])).toMatchObject([{set, restoreTest: {state: 'passed', from: 'offsite'}}]);
  expect(await listed()).toMatchObject([{set, restoreTest: null}]);
  const status = await timetiles(['backup', 'status'], {stack});
  expect(status.stdout).toMatch(new RegExp(`Restore test: set ${set} passed just now, from the offsite copy; the next is due by \\d{4}-`));
});

test('a copy that has lost a pack fails, and the set here is none the worse', async () => {
  const data = join(copy, 'data');
  const packs = readdirSync(data, {recursive: true, encoding: 'utf8'}).filter((name) => name.length > 60).map((name) => join(data, name));
  const pack = packs.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
  renameSync(pack, `${pack}.away`);
  const result = await restoreTest(stack, ['--offsite']);
  renameSync(`${pack}.away`, pack);
  expectExit(result, 1);
  expect(failures(result)).toEqual([expect.stringMatching(/ restore: .*no such file/)]);
  expect((await timetiles(['backup', 'status', '--json'], {stack})).json().findings).toMatchObject([{key: 'failed:restore-test-offsite'}]);
  expectExit(await restoreTest(stack), 0);
  expectExit(await restoreTest(stack, ['--offsite']), 0);
  expect((await timetiles(['backup', 'status', '--json'], {stack})).json().findings).toEqual([]);
});

test('is overdue by what the host has done, and a set without a manifest fails', async () => {
  const overdue = async (env: Record<string, string>) => (await timetiles(['backup', 'status', '--json'], {stack, env})).json().findings;
  const other = join(stack.scratch, 'other');
  await makeCheapRepository(stack, {repository: other});
  const old = await storeOldSet(stack, {daysAgo: 40, sources: ['uploads']}, {restic: 'newest', repository: other});
  const env = {RESTIC_REPOSITORY: other, BACKUP_MAX_AGE_HOURS: '9999', RESTIC_OFFSITE_REPOSITORY: '', TIMETILES_HOME: join(stack.scratch, 'home'), RESTIC_PASSWORD: 'a bench password', COMPOSE_PROJECT_NAME: stack.project, UPLOAD_HOST_DIR: stack.uploadsPath};
  expect(await overdue(env)).toMatchObject([{key: 'restore-test-overdue', message: expect.stringContaining('no set has ever passed a restore test')}]);
  expect(await overdue({...env, BACKUP_RESTORE_TEST_DAYS: '50'})).toEqual([]);
  expect(await overdue({...env, BACKUP_RESTORE_TEST_DAYS: '0'})).toEqual([]);
  // Uploads alone, and no manifest that could be read: a failed test.
  expectExit(await restoreTest(stack, [old], {env}), 1);
  const sets = async () => (await timetiles(['backup', 'list', '--json'], {stack, env})).json().sets;
  expect(await sets()).toMatchObject([{set: old, restoreTest: {state: 'failed', problems: [expect.stringContaining('manifest restore: ')]}}]);
});

test('the evidence goes with the set that prune removes', async () => {
  const env = {BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0', RESTIC_OFFSITE_REPOSITORY: ''};
  const evidence = () => z.array(z.object({set: z.string(), from: z.string()})).parse(JSON.parse(readFileSync(join(stack.home, 'state', 'restore-tests.json'), 'utf8'))).map(({set: id, from}) => `${from} ${id}`);
  const {set: newer} = await backUp(stack, 'newest');
  expectExit(await restoreTest(stack), 0);
  // The last one that passed is kept whatever the rules say: it is the newer one now.
  expect(evidence()).toEqual([`local ${newer}`, `offsite ${set}`, `local ${set}`]);
  expectExit(await timetiles(['backup', 'prune'], {stack, env}), 0);
  expect(evidence()).toEqual([`local ${newer}`, `offsite ${set}`]);
});
