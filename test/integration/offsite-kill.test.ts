import {once} from 'node:events';
import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {makeLocalRepository, type LocalRepository} from '../support/local-repository.ts';
import {resticKeys} from '../support/offsite.ts';
import {waitUntil} from '../support/processes.ts';
import {addLoosePacks, localEtags, makeLooseRepository, openReplicaLedger, replicaRoot, resultOf, runReplica, spawnReplica, type Replica} from '../support/replication.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {seededRandom} from '../support/seeded-random.ts';
import {useBench} from '../support/use-bench.ts';

let gateway: Gateway;
let proxy: S3Proxy;
let local: LocalRepository;
/** Named by their content like packs, and unknown to every index. */
let loose: string;
const kills = 50;

beforeAll(async () => {
  gateway = await startGateway(useBench());
  proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
  local = await makeLocalRepository(useBench());
  await local.change({photo: 9 * 1024 * 1024});
  await local.backup();
  await local.change({photo: 5 * 1024 * 1024, other: 100_000});
  await local.backup();
  loose = join(local.directory, 'loose');
  await mkdir(loose);
  makeLooseRepository(loose, {count: 40, bytes: 300_000});
});
afterEach(() => proxy.setRule(undefined));
afterAll(async () => {
  await proxy.close();
  await local.remove();
  await gateway.stop();
});

const replicaTo = (bucket: Bucket, repository: string, name: string): Replica => ({
  repository, id: local.id, endpoint: proxy.endpoint, bucket: bucket.name, key: bucket.keys.put, ledger: join(local.directory, `${name}.jsonl`),
});
const putsSince = (first: number) => proxy.requests.slice(first).filter(({method}) => method === 'PUT');
const pathsOf = (puts: {path: string}[]) => puts.map(({path}) => path.split('/').slice(5).join('/'));

async function expectAllThere(bucket: Bucket, replica: Replica): Promise<void> {
  const root = replicaRoot(replica);
  const there = (await bucket.list(`${root}/`)).map(({key, etag}) => [key.slice(root.length + 1), etag] as const);
  expect(new Map(there)).toEqual(localEtags(replica.repository));
}

test(`killed ${kills} times, it never sends again what it had noted, and ends with a whole copy`, async () => {
  const {random, seed} = seededRandom();
  addLoosePacks(local.path, 700, 2000);
  const bucket = await gateway.makeBucket();
  const replica = replicaTo(bucket, local.path, 'killed');
  const known = () => new Set(openReplicaLedger(replica).sent.keys());
  proxy.setRule(() => ({kind: 'delay', milliseconds: 4}));
  let noted = known();
  for (let round = 1; round <= kills; round += 1) {
    const first = proxy.requests.length;
    const child = spawnReplica(replica);
    const closed = once(child, 'close');
    const wanted = Math.floor(random() * 15);
    await waitUntil(() => proxy.requests.length >= first + wanted || child.exitCode !== null, 20_000, 1);
    await sleep(random() * 12);
    child.kill('SIGKILL');
    expect(await closed, `round ${round}, seed ${seed}`).toEqual([null, 'SIGKILL']);
    // What was under way still arrives at the gateway.
    await sleep(10);
    const after = known();
    expect(pathsOf(putsSince(first)).filter((path) => noted.has(path)), `round ${round}, seed ${seed}`).toEqual([]);
    expect([...noted].filter((path) => !after.has(path)), `round ${round}, seed ${seed}`).toEqual([]);
    expect(openReplicaLedger(replica).damagedLines).toBe(0);
    noted = after;
  }
  const first = proxy.requests.length;
  const whole = localEtags(local.path);
  console.log(`killed ${kills} times (seed ${seed}): ${first} requests for ${noted.size} of ${whole.size} files`);
  expect(noted.size).toBeLessThan(whole.size);
  await resultOf(spawnReplica(replica));
  expect(pathsOf(putsSince(first)).toSorted()).toEqual([...whole.keys()].filter((path) => !noted.has(path)).toSorted());
  await expectAllThere(bucket, replica);
  const checked = await local.restic(['--no-lock', 'check', '--read-data'], {repository: `s3:${proxy.endpoint}/${bucket.name}/${replicaRoot(replica)}`, env: resticKeys(bucket, 'read')});
  expect(checked).toContain('no errors were found');
});

test('connections that end in the middle of a body are tried again', async () => {
  const {random, seed} = seededRandom();
  const bucket = await gateway.makeBucket({versioned: true});
  const replica = replicaTo(bucket, loose, 'cut');
  let cuts = 0;
  proxy.setRule(({method}) => {
    if (method !== 'PUT' || random() > 0.4) return undefined;
    cuts += 1;
    return {kind: 'cut', afterBytes: Math.floor(random() * 310_000)};
  });
  await runReplica({...replica, patience: {firstWait: 10, longestWait: 50, total: 20_000}});
  expect(cuts, `seed ${seed}`).toBeGreaterThan(5);
  await expectAllThere(bucket, replica);
  for (const {key} of await bucket.versions()) expect(openReplicaLedger(replica).sent.has(key.split('/').slice(3).join('/'))).toBe(true);
});

test('what was stored without an acknowledgement is sent again with the same bytes', async () => {
  const bucket = await gateway.makeBucket();
  const replica = replicaTo(bucket, loose, 'unacknowledged');
  const first = proxy.requests.length;
  proxy.setRule(({index}) => ((index - first) % 5 === 0 && index - first < 50 ? {kind: 'cut-response'} : undefined));
  await runReplica(replica);
  const puts = putsSince(first);
  const lost = puts.filter(({status, delivered}) => status === 200 && !delivered);
  expect(lost).toHaveLength(10);
  for (const {path, headers} of lost) {
    const same = puts.filter((put) => put.path === path);
    expect(same.length).toBeGreaterThan(1);
    expect(same.at(-1)).toMatchObject({status: 200, delivered: true});
    for (const name of ['x-amz-content-sha256', 'content-md5']) expect(new Set(same.map((put) => put.headers[name]))).toEqual(new Set([headers[name]]));
  }
  await expectAllThere(bucket, replica);
});

test('a service that is down for longer than patience fails the run, and the next one completes the copy', async () => {
  const bucket = await gateway.makeBucket();
  const replica = replicaTo(bucket, loose, 'down');
  const first = proxy.requests.length;
  const body = '<Error><Code>ServiceUnavailable</Code><Message>Please come back later.</Message></Error>';
  proxy.setRule(({index}) => (index - first < 12 ? undefined : {kind: 'answer', status: 503, body}));
  await expect(runReplica(replica)).rejects.toThrow(/^storing [0-9a-f]{2}\/[0-9a-f]{12}…: the service answered 503 ServiceUnavailable \(Please come back later\.\)$/);
  const noted = [...openReplicaLedger(replica).sent.keys()];
  expect(noted).toHaveLength(12);
  proxy.setRule(undefined);
  const second = proxy.requests.length;
  expect(await runReplica(replica)).toMatchObject({files: localEtags(loose).size - noted.length});
  expect(pathsOf(putsSince(second)).filter((path) => noted.includes(path))).toEqual([]);
  await expectAllThere(bucket, replica);
});

test('a service that is back in time costs nothing but that time', async () => {
  const bucket = await gateway.makeBucket();
  const replica = replicaTo(bucket, loose, 'back in time');
  const begun = Date.now();
  proxy.setRule(() => (Date.now() - begun < 600 ? {kind: 'answer', status: 503} : undefined));
  expect(await runReplica(replica)).toMatchObject({files: localEtags(loose).size});
  expect(Date.now() - begun).toBeGreaterThan(600);
  await expectAllThere(bucket, replica);
});

test('a gateway that hangs and goes on is no failure', async () => {
  const bucket = await gateway.makeBucket();
  const replica = {...replicaTo(bucket, loose, 'hung'), idleLimit: 500, patience: {firstWait: 20, longestWait: 200, total: 10_000}};
  const running = runReplica(replica);
  await sleep(30);
  await gateway.pause();
  await sleep(1200);
  await gateway.unpause();
  await running;
  await expectAllThere(bucket, replica);
});
