import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {afterAll, afterEach, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, startTimetiles, timetiles, type TimetilesResult} from '../support/cli.ts';
import {offsiteConfig, resticKeys, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {plainRestic, plainResticEnvironment, plainSnapshots, type PlainResticOptions} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {changeStack, fillStack, stateOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const lastTwo = {BACKUP_KEEP_LAST: '2', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'};

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  await fillStack(stack, {rows: 2000, files: 20});
});
afterAll(() => stack?.stop());

interface Place {
  env: Record<string, string>;
}

/** Runs the tool with this offsite place; it must succeed. */
async function told(place: Place, args: string[]): Promise<ReturnType<TimetilesResult['json']>> {
  const result = await timetiles([...args, '--json'], {stack, ...place});
  expectExit(result, 0);
  return result.json();
}

/** The ids of the sets in a repository, with how many snapshots each has. */
async function setsIn(options: PlainResticOptions): Promise<Record<string, number>> {
  const sets: Record<string, number> = {};
  for (const {tags} of await plainSnapshots(stack, options)) {
    const id = tags.find((tag) => tag.startsWith('set:'))?.slice(4) ?? 'none';
    sets[id] = (sets[id] ?? 0) + 1;
  }
  return sets;
}

async function polynomialOf(options: PlainResticOptions): Promise<string> {
  return JSON.parse(await plainRestic(stack, ['cat', 'config'], options)).chunker_polynomial;
}

describe('with all rights on S3', () => {
  let service: OffsitePlace;
  let bucket: Bucket;
  let proxy: S3Proxy;
  let place: Place;
  let there: PlainResticOptions;

  beforeAll(async () => {
    service = await startOffsitePlace(useBench());
    ({bucket, proxy} = service);
    place = {env: offsiteConfig(proxy.endpoint, bucket, 'full')};
    there = {repository: place.env['RESTIC_OFFSITE_REPOSITORY'] ?? '', env: resticKeys(bucket, 'full')};
  });
  afterEach(() => proxy.setRule(undefined));
  afterAll(async () => {
    await service?.stop();
  });

  const locks = () => bucket.list('backups/locks/');

  test('the first copy makes a repository of the same chunks, with every set there is', async () => {
    await told(place, ['backup']);
    await told(place, ['backup', 'db']);
    const {offsite} = await told(place, ['backup', '--offsite']);
    expect(offsite).toEqual({state: 'done', level: 'read-write', files: 8, bytes: null, lagSets: 0, message: expect.stringContaining('3 sets copied')});
    expect(await setsIn(there)).toEqual(await setsIn({}));
    expect(await polynomialOf(there)).toBe(await polynomialOf({}));
    expect(await plainRestic(stack, ['check', '--read-data'], there)).toContain('no errors were found');
    expect(await locks()).toEqual([]);
  });

  test('the next one copies what is new', async () => {
    const {offsite} = await told(place, ['backup', 'uploads', '--offsite']);
    expect(offsite).toMatchObject({state: 'done', files: 2, message: expect.stringContaining('1 set copied')});
    expect(await setsIn(there)).toEqual(await setsIn({}));
  });

  test('its sets are listed, and the live data restored from them', async () => {
    const here = (await told(place, ['backup', 'list'])).sets.map(({set}: {set: string}) => set);
    expect((await told(place, ['backup', 'list', '--offsite'])).sets.map(({set}: {set: string}) => set)).toEqual(here);
    const before = await stateOf(stack);
    await changeStack(stack, 'changed');
    await told(place, ['restore', here[1], '--offsite', '--yes', '--no-safety-backup']);
    expect(await stateOf(stack)).toEqual(before);
    expect(await locks()).toEqual([]);
  });

  test('the lock of a dead restic stops neither copy nor prune, and retention applies on both sides', async () => {
    const old = await storeOldSet(stack, {daysAgo: 500}, {restic: 'newest', repository: stack.repository});
    proxy.setRule(({method, path}) => (method === 'GET' && path.includes('/index/') ? {kind: 'stall'} : undefined));
    const dead = spawn(stack.bench.restic.newest, ['check', '--no-cache'], {env: plainResticEnvironment(stack, there), stdio: 'ignore'});
    expect(await waitUntil(async () => (await locks()).length > 0, 20_000, 200)).toBe(true);
    dead.kill('SIGKILL');
    await once(dead, 'exit');
    proxy.setRule(undefined);
    expect((await told(place, ['backup', 'db', '--offsite'])).offsite).toMatchObject({state: 'done', files: 4});
    expect(await setsIn(there)).toHaveProperty(old);
    expect(await locks()).toEqual([]);

    const withRetention = {...place, env: {...place.env, ...lastTwo}};
    const plan = await told(withRetention, ['backup', 'prune', '--dry-run']);
    expect(plan.offsite).toMatchObject({state: 'done', dryRun: true});
    // There the rule is two days, where it is two sets here.
    expect(plan.offsite.removed.map(({set}: {set: string}) => set)).toEqual([old]);
    expect(await setsIn(there)).toHaveProperty(old);
    const pruned = await told(withRetention, ['backup', 'prune']);
    expect(pruned.offsite).toMatchObject({state: 'done', removed: plan.offsite.removed});
    expect(pruned.removed.map(({set}: {set: string}) => set)).toContain(old);
    expect(await setsIn(there)).toMatchObject(await setsIn({}));
    expect(await setsIn(there)).not.toHaveProperty(old);
    expect(await plainRestic(stack, ['check', '--read-data'], there)).toContain('no errors were found');
    expect(await locks()).toEqual([]);
  });

  test('a set that was half copied when the tool was killed is completed', async () => {
    const before = Object.keys(await setsIn(there)).length;
    let stored = 0;
    proxy.setRule(({method, path}) => (method === 'PUT' && path.includes('/snapshots/') && (stored += 1) > 1 ? {kind: 'stall'} : undefined));
    const running = startTimetiles(['backup', '--offsite'], {stack, ...place});
    running.stdin.end();
    expect(await waitUntil(() => stored > 1, 30_000)).toBe(true);
    running.killGroup('SIGKILL');
    await running.exited;
    proxy.setRule(undefined);
    const half = await setsIn(there);
    expect(Object.values(half)).toHaveLength(before + 1);
    expect(half).not.toMatchObject(await setsIn({}));
    const {offsite} = await told(place, ['backup', 'uploads', '--offsite']);
    expect(offsite).toMatchObject({state: 'done', lagSets: 0, message: expect.stringContaining('2 sets copied')});
    expect(await setsIn(there)).toMatchObject(await setsIn({}));
    // Its lock does not stop a prune either.
    expect((await told(place, ['backup', 'prune'])).offsite).toMatchObject({state: 'done'});
    expect(await locks()).toEqual([]);
  });
});
