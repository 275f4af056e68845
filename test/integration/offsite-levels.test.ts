import {existsSync, readFileSync, rmSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, timetiles, type TimetilesResult} from '../support/cli.ts';
import {offsiteConfig, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import type {Bucket, KeyKind} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {changeStack, errorOf, fillStack, stateOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let place: OffsitePlace;
let bucket: Bucket;
let proxy: S3Proxy;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  place = await startOffsitePlace(useBench());
  ({bucket, proxy} = place);
  await stack.writeConfig();
  await fillStack(stack, {rows: 2000, files: 20});
});
afterAll(async () => {
  await place?.stop();
  await stack?.stop();
});

/** None of what is expected of a level is worth an alert. */
afterEach(() => expect(existsSync(join(stack.home, 'alerts.log'))).toBe(false));

/** Runs the tool with one of the bucket's keys. */
function as(kind: KeyKind, args: string[], env: Record<string, string> = {}): Promise<TimetilesResult> {
  return timetiles(args, {stack, env: {...offsiteConfig(proxy.endpoint, bucket, kind), ...env}});
}

/** What runs with `--json` and must succeed has told. */
async function told(kind: KeyKind, args: string[], env: Record<string, string> = {}): Promise<ReturnType<TimetilesResult['json']>> {
  const result = await as(kind, [...args, '--json'], env);
  expectExit(result, 0);
  return result.json();
}

/** The methods of the requests that a piece of work makes. */
async function methodsDuring(work: () => Promise<unknown>): Promise<string[]> {
  const before = proxy.requests.length;
  await work();
  return [...new Set(proxy.requests.slice(before).map(({method}) => method))].toSorted();
}

const objects = async () => (await bucket.list()).map(({key, etag}) => `${key} ${etag}`);
const done = (level: string) => ({state: 'done', level, lagSets: 0});

describe('a key that can only put', () => {
  test('is found out by asking', async () => {
    expect(await told('put', ['offsite', 'probe'])).toMatchObject({level: 'write-only', abilities: {list: false, read: false, remove: false}, proof: null});
    const {stdout} = await as('put', ['offsite', 'probe']);
    expect(stdout).toContain(`The key ${bucket.keys.put.accessKeyId} is write-only`);
    expect(await objects()).toEqual([]);
  });

  test('makes every kind of backup, and asks no more what it can do', async () => {
    const {offsite} = await told('put', ['backup', '--offsite']);
    expect(offsite).toMatchObject({...done('write-only'), files: (await objects()).length});
    expect(offsite.bytes).toBe((await bucket.list()).reduce((sum, {bytes}) => sum + bytes, 0));
    for (const source of ['db', 'uploads']) {
      const before = await objects();
      const methods = await methodsDuring(async () => {
        const report = await told('put', ['backup', source, '--offsite']);
        expect(report).toMatchObject({state: 'complete', offsite: done('write-only')});
        expect((await objects()).length - before.length).toBe(report.offsite.files);
      });
      expect(methods).toEqual(['PUT']);
      // What was there is what it was.
      expect(await objects()).toEqual(expect.arrayContaining(before));
    }
  });

  test('cannot list, and says so', async () => {
    const {stdout, exitCode} = await as('put', ['backup', 'list', '--offsite']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('The offsite sets cannot be listed');
    expect(stdout).toContain('s3:GetObject and s3:ListBucket');
    expect(await told('put', ['backup', 'list', '--offsite'])).toMatchObject({sets: null, message: expect.stringContaining('s3:ListBucket'), next: expect.stringContaining('reading key')});
    expect((await told('put', ['backup', 'list'])).offsite).toMatchObject({lagSets: 0, last: {state: 'done'}});
  });

  test('prunes here and not there', async () => {
    const env = {BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'};
    const before = await objects();
    await told('put', ['backup', '--offsite']);
    const {stdout, exitCode} = await as('put', ['backup', 'prune'], env);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Removed 1 set ');
    expect(stdout).toMatch(/^Offsite: skipped, write-only credentials cannot remove anything/m);
    expect((await told('put', ['backup', 'prune'], env)).offsite).toEqual({state: 'skipped', message: expect.stringContaining('new-epoch')});
    expect(await objects()).toEqual(expect.arrayContaining(before));
  });

  test('is told what was verified at the upload', async () => {
    const {stdout, exitCode} = await as('put', ['backup', 'verify', '--offsite']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Verified at the upload: ${(await objects()).length} objects`);
    expect(await told('put', ['backup', 'verify', '--offsite'])).toMatchObject({state: 'unreadable', files: (await objects()).length});
    // A restore test was none, and so nothing is remembered of it.
    expect(await told('put', ['backup', 'verify', '--offsite', '--restore-test'])).toMatchObject({state: 'unreadable', files: (await objects()).length});
    const status = (await as('put', ['backup', 'status', '--json'])).json();
    expect([status.restoreTest.passed, status.runs['restore-test-offsite']]).toEqual([null, undefined]);
  });

  test('restores nothing, and touches nothing', async () => {
    const before = {data: await stateOf(stack), containers: await stack.states(), sets: (await told('put', ['backup', 'list'])).sets};
    const result = await as('put', ['restore', 'latest', '--offsite', '--yes', '--json']);
    expect(result.exitCode).toBe(1);
    expect(errorOf(result)).toEqual({
      kind: 'offsite-permission',
      message: expect.stringContaining('lacks s3:GetObject and s3:ListBucket'),
      next: expect.stringMatching(/reading key.*AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… timetiles/),
    });
    expect({data: await stateOf(stack), containers: await stack.states(), sets: (await told('put', ['backup', 'list'])).sets}).toEqual(before);
  });
});

describe('a key that can read and append', () => {
  test('goes on with the same copy, lists, verifies and prunes nothing', async () => {
    const before = await objects();
    const {set, offsite} = await told('append', ['backup', '--offsite']);
    expect(offsite).toMatchObject(done('append-only'));
    expect((await objects()).length - before.length).toBe(offsite.files);
    const {sets} = await told('append', ['backup', 'list', '--offsite']);
    // Every set that was ever sent, those that were pruned here included.
    expect(sets).toHaveLength(5);
    expect(sets[0]).toMatchObject({set, state: 'complete'});
    expect((await as('append', ['backup', 'list', '--offsite'])).stdout).toContain(set);
    expect(await told('append', ['backup', 'verify', '--offsite', '--read-data'])).toMatchObject({state: 'ok', readPercent: 100, newestSet: set});
    expect(await told('append', ['backup', 'verify', '--offsite', '--restore-test'])).toMatchObject({state: 'passed', set, from: 'offsite'});
    expect((await told('append', ['backup', 'prune'])).offsite).toMatchObject({state: 'skipped', message: expect.stringContaining('append-only')});
  });

  test('restores', async () => {
    const before = await stateOf(stack);
    await changeStack(stack, 'changed');
    const report = await told('append', ['restore', 'latest', '--offsite', '--yes']);
    expect(report).toMatchObject({state: 'done', restored: ['db', 'uploads'], safetySet: expect.any(String)});
    expect(await stateOf(stack)).toEqual(before);
  });
});

describe('a key that can only read', () => {
  test('lists and restores', async () => {
    expect((await told('read', ['backup', 'list', '--offsite'])).sets).toHaveLength(5);
    const target = join(stack.scratch, 'look');
    await told('read', ['restore', 'latest', '--offsite', '--target', target]);
    expect(await readdir(target)).toEqual(expect.arrayContaining(['database.sql', 'uploads']));
  });

  test('makes a backup here alone; the next key catches up', async () => {
    const result = await as('read', ['backup', '--offsite', '--json']);
    expectExit(result, 0);
    // The safety set of a restore is a set too, and was not copied.
    expect(result.json().offsite).toMatchObject({state: 'failed', lagSets: 2, message: expect.stringContaining('403')});
    expect(result.stderr).toMatch(/Warning: offsite copy failed: .* needs at least s3:PutObject/i);
    expect(await as('read', ['backup', 'db', '--require-offsite'])).toMatchObject({exitCode: 1, stdout: expect.stringContaining('is complete.')});
    const {sets, offsite} = await told('put', ['backup', 'list']);
    expect(offsite).toMatchObject({lagSets: 3, last: {state: 'failed'}});
    expect(sets[0]).toMatchObject({state: 'complete'});
    expect((await as('put', ['backup', 'list'])).stdout).toMatch(/^Offsite: 3 sets behind; .*The last try failed/m);
    expect((await told('put', ['backup', 'uploads', '--offsite'])).offsite).toMatchObject(done('write-only'));
    expect((await told('put', ['backup', 'list'])).offsite).toMatchObject({lagSets: 0, last: {state: 'done'}});
    expect((await told('read', ['backup', 'list', '--offsite'])).sets).toHaveLength(9);
    // Who requires the copy hears of it when it fails.
    const alerts = join(stack.home, 'alerts.log');
    const lines = readFileSync(alerts, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    expect(lines).toMatchObject([{state: 'failed', key: 'backup', kind: 'offsite'}, {state: 'recovered', key: 'backup', kind: 'offsite'}]);
    rmSync(alerts);
  });
});

describe('a key whose rights change at the provider', () => {
  afterEach(() => bucket.setPolicy({}));

  test('is asked again once it is refused', async () => {
    await bucket.setPolicy({put: 'read'});
    const methods = await methodsDuring(async () => {
      const report = await told('put', ['backup', 'db', '--offsite']);
      expect(report.offsite).toMatchObject({state: 'failed', message: expect.stringContaining('403')});
    });
    expect(methods).toEqual(['DELETE', 'GET', 'HEAD', 'PUT']);
    expect(await told('put', ['backup', 'list', '--offsite'])).toMatchObject({sets: expect.any(Array)});
  });

  test('and restic is not let loose with rights that are gone', async () => {
    await bucket.setPolicy({put: 'full'});
    await told('put', ['offsite', 'probe']);
    expect((await told('put', ['backup', 'db', '--offsite'])).offsite).toMatchObject(done('read-write'));
    await bucket.setPolicy({});
    const result = await as('put', ['backup', 'db', '--offsite', '--json']);
    expect(result.json().offsite).toMatchObject(done('write-only'));
    expect(result.stderr).toContain('the offsite credentials are write-only now; they were read-write before');
  });
});
