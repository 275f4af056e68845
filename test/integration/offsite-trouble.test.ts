import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {expectExit, startTimetiles, timetiles, type TimetilesResult} from '../support/cli.ts';
import {offsiteConfig, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import {freePort} from '../support/ports.ts';
import {waitUntil} from '../support/processes.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {errorOf, fillStack} from '../support/two-states.ts';
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
  await fillStack(stack, {rows: 100, files: 5});
});
afterAll(async () => {
  await place?.stop();
  await stack?.stop();
});

type Environment = Record<string, string | undefined>;

const configured = (): Environment => offsiteConfig(proxy.endpoint, bucket, 'put');

interface Trouble {
  what: string;
  env: () => Promise<Environment> | Environment;
  says: RegExp;
  remedy: RegExp;
}

const troubles: Trouble[] = [
  {what: 'a wrong secret', env: () => ({AWS_SECRET_ACCESS_KEY: bucket.keys.full.secretAccessKey}), says: /SignatureDoesNotMatch/, remedy: /AWS_SECRET_ACCESS_KEY does not belong to the key/},
  {what: 'a key that nobody knows', env: () => ({AWS_ACCESS_KEY_ID: 'NOBODYKNOWSTHISKEY00'}), says: /InvalidAccessKeyId/, remedy: /NOBODYKNOWSTHISKEY00 is not known, was revoked or has expired/},
  {what: 'a bucket that is not there', env: () => ({RESTIC_OFFSITE_REPOSITORY: `s3:${proxy.endpoint}/no-such-bucket/backups`}), says: /NoSuchBucket/, remedy: /Make the bucket at the provider first/},
  {what: 'keys that are missing', env: () => ({AWS_SECRET_ACCESS_KEY: undefined}), says: /AWS_SECRET_ACCESS_KEY is not set/, remedy: /Write it into .*bootstrap\.conf/},
  {what: 'an address that is none', env: () => ({RESTIC_OFFSITE_REPOSITORY: `s3:${proxy.endpoint}`}), says: /names no bucket/, remedy: /Write it as s3:https/},
];

/** Both wait for half a minute in case that the service is about to come back: the other tests go on meanwhile. */
async function withNobodyThere(): Promise<TimetilesResult[]> {
  const url = `s3:http://127.0.0.1:${await freePort()}/${bucket.name}/backups`;
  return Promise.all(
    ['--offsite', '--require-offsite'].map((flag) => {
      const env = {...configured(), RESTIC_OFFSITE_REPOSITORY: url, RESTIC_REPOSITORY: join(stack.scratch, `repository${flag}`)};
      return timetiles(['backup', 'uploads', flag, '--json'], {stack, env});
    }),
  );
}

describe('a backup stays good, and the copy fails', () => {
  let nobody: Promise<TimetilesResult[]>;
  beforeAll(() => {
    nobody = withNobodyThere();
  });

  test.each(troubles)('with $what', async ({env, says, remedy}) => {
    const options = {stack, env: {...configured(), ...(await env())}};
    const warned = await timetiles(['backup', 'uploads', '--offsite', '--json'], options);
    expectExit(warned, 0);
    expect(warned.json()).toMatchObject({state: 'complete', offsite: {state: 'failed', message: expect.stringMatching(says)}});
    expect(warned.stderr).toMatch(/offsite copy failed: /);
    expect(warned.stderr).toMatch(remedy);
    const required = await timetiles(['backup', 'uploads', '--require-offsite'], options);
    expect(required.exitCode).toBe(1);
    expect(required.stdout).toMatch(/^Set \S+ is complete\.$/m);
    expect(required.stdout).toMatch(/^Offsite: failed\./m);
    expect(required.stderr).toMatch(remedy);
    // What asks the offsite side alone fails with the same words.
    const probed = await timetiles(['offsite', 'probe', '--json'], options);
    expect(probed.exitCode).not.toBe(0);
    expect(errorOf(probed)).toMatchObject({message: expect.stringMatching(says), next: expect.stringMatching(remedy)});
  });

  test('with nobody at the port', async () => {
    const [warned, required] = await nobody;
    expect([warned?.exitCode, required?.exitCode]).toEqual([0, 1]);
    for (const result of [warned, required]) {
      expect(result?.json()).toMatchObject({state: 'complete', offsite: {state: 'failed', message: expect.stringContaining('cannot be reached'), lagSets: 1}});
      expect(result?.stderr).toContain('trying again');
      expect(result?.stderr).toContain('Check the network and the address in RESTIC_OFFSITE_REPOSITORY');
    }
  });

  test('and only the copies that were required are alerts; nothing is left in the bucket', async () => {
    const lines = readFileSync(join(stack.home, 'alerts.log'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
    const failed = lines.filter(({state}) => state === 'failed');
    expect(failed.length).toBeGreaterThan(5);
    for (const line of failed) expect(line).toMatchObject({key: 'backup', kind: 'offsite', message: expect.stringContaining('is stored here, but its offsite copy failed: ')});
    expect(await bucket.list()).toEqual([]);
  });
});

test('without an offsite repository the copy is skipped, and says so', async () => {
  const result = await timetiles(['backup', 'uploads', '--offsite', '--json'], {stack});
  expectExit(result, 0);
  expect(result.json().offsite).toEqual({state: 'skipped', level: null, files: 0, bytes: 0, lagSets: null, message: expect.stringContaining('RESTIC_OFFSITE_REPOSITORY is not set')});
  const required = await timetiles(['backup', 'uploads', '--require-offsite'], {stack});
  expect(required.exitCode).toBe(1);
  expect(required.stdout).toMatch(/^Offsite: skipped, RESTIC_OFFSITE_REPOSITORY is not set/m);
  const probed = await timetiles(['offsite', 'probe', '--json'], {stack});
  expect([probed.exitCode, errorOf(probed).kind]).toEqual([2, 'configuration']);
});

test('Ctrl-C during the upload says that the set is stored here, and the next run goes on', async () => {
  const env = configured();
  proxy.setRule(({method, path}) => (method === 'PUT' && path.includes('/data/') ? {kind: 'delay', milliseconds: 60_000} : undefined));
  const begin = proxy.requests.length;
  const running = startTimetiles(['backup', '--offsite', '--json'], {stack, env});
  running.stdin.end();
  expect(await waitUntil(() => proxy.requests.slice(begin).some(({path}) => path.includes('/data/')), 30_000)).toBe(true);
  const asked = Date.now();
  running.killGroup('SIGINT');
  const result = await running.result;
  expect(Date.now() - asked).toBeLessThan(5000);
  expect(result.exitCode).toBe(130);
  expect(errorOf(result)).toEqual({
    kind: 'interrupted',
    message: expect.stringMatching(/^interrupted by SIGINT; set \S+ is stored here, its offsite copy is not finished$/),
    next: expect.stringContaining('goes on where this one stopped'),
  });
  await expectNothingLeft(stack);
  proxy.setRule(undefined);
  const sent = await bucket.list();
  // The barrier held: config and keys alone.
  expect(sent.filter(({key}) => !/\/(config|keys\/[0-9a-f]{64})$/.test(key))).toEqual([]);
  const interrupted = /set (\S+) is stored/.exec(errorOf(result).message)?.[1];
  const next = await timetiles(['backup', 'db', '--offsite', '--json'], {stack, env});
  expectExit(next, 0);
  expect(next.json().offsite).toMatchObject({state: 'done', lagSets: 0, files: (await bucket.list()).length - sent.length});
  const {sets} = (await timetiles(['backup', 'list', '--offsite', '--json'], {stack, env: offsiteConfig(proxy.endpoint, bucket, 'read')})).json();
  expect(sets.map(({set}: {set: string}) => set)).toEqual(expect.arrayContaining([interrupted, next.json().set]));
  expect(readdirSync(join(stack.repository, 'locks'))).toEqual([]);
});
