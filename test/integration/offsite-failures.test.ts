import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {S3Failure} from '../../src/offsite/s3/failure.ts';
import {resticUrl} from '../../src/offsite/s3/location.ts';
import {makeCertificates} from '../support/certificates.ts';
import {startFlippingWire} from '../support/flipping-wire.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {makeLocalRepository, type LocalRepository} from '../support/local-repository.ts';
import {resticKeys} from '../support/offsite.ts';
import {localEtags, makeLooseRepository, openReplicaLedger, replicaRoot, resultOf, runReplica, spawnReplica, type Replica} from '../support/replication.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Action, type S3Proxy} from '../support/s3-proxy.ts';
import {useBench} from '../support/use-bench.ts';

let gateway: Gateway;
let proxy: S3Proxy;
let local: LocalRepository;
let bucket: Bucket;
let replica: Replica;
let first = 0;
let number = 0;

beforeAll(async () => {
  gateway = await startGateway(useBench());
  proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
  local = await makeLocalRepository(useBench());
});
beforeEach(async () => {
  bucket = await gateway.makeBucket();
  number += 1;
  first = proxy.requests.length;
  replica = {repository: join(local.directory, `loose ${number}`), id: local.id, endpoint: proxy.endpoint, bucket: bucket.name, key: bucket.keys.put, ledger: join(local.directory, `${number}.jsonl`)};
});
afterEach(() => {
  proxy.setRule(undefined);
  proxy.setAfterEach(undefined);
});
afterAll(async () => {
  await proxy.close();
  await local.remove();
  await gateway.stop();
});

const requests = () => proxy.requests.slice(first);
const ofPack = () => requests().filter(({path}) => path.includes('/data/'));
/** Lets these happen to the first requests that carry a pack, one after the other. */
function happenToPacks(...actions: (S3Action | undefined)[]): void {
  let next = 0;
  proxy.setRule(({path}) => (path.includes('/data/') ? actions[next++] : undefined));
}
async function expectAllThere(): Promise<void> {
  const root = replicaRoot(replica);
  const there = (await bucket.list(`${root}/`)).map(({key, etag}) => [key.slice(root.length + 1), etag] as const);
  expect(new Map(there)).toEqual(localEtags(replica.repository));
}
const answerWith = (status: number, code: string, headers: Record<string, string> = {}): S3Action => ({kind: 'answer', status, body: `<Error><Code>${code}</Code></Error>`, headers});

test('a bit that flips on the way is refused by the service, and what is stored is right', async () => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 500_000});
  happenToPacks({kind: 'damage', offset: 250_000}, {kind: 'damage', offset: 1});
  await runReplica(replica);
  expect(ofPack().map(({status}) => status)).toEqual([400, 400, 200]);
  await expectAllThere();
});

test('bits that flip on every try end the run soon, and nothing damaged is stored', async () => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 500_000});
  proxy.setRule(({path}) => (path.includes('/data/') ? {kind: 'damage', offset: 250_000} : undefined));
  const failure = await runReplica(replica).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(S3Failure);
  expect(failure).toMatchObject({kind: 'damaged', code: 'XAmzContentSHA256Mismatch'});
  expect(ofPack()).toHaveLength(4);
  expect([...openReplicaLedger(replica).sent.keys()]).toEqual(['config']);
  expect((await bucket.list()).map(({key}) => key.split('/').at(-1))).toEqual(['config']);
});

test('a bit that flips below TLS ends the connection, and is no reason to end the run', async () => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 500_000});
  const certificates = await makeCertificates();
  const secure = await startS3Proxy(gateway.endpoint, {tls: certificates.tls});
  const wire = await startFlippingWire(Number(new URL(secure.endpoint).port), {connections: 2, offset: 100_000});
  const retries: string[] = [];
  try {
    const ca = await readFile(certificates.authority, 'utf8');
    await runReplica({...replica, endpoint: `https://127.0.0.1:${wire.port}`, ca}, {onRetry: (text) => retries.push(text)});
    expect(wire.flipped()).toBe(2);
    expect(retries).toHaveLength(2);
    await expectAllThere();
  } finally {
    await wire.close();
    await secure.close();
    await certificates.remove();
  }
});

test.for([
  [500, 'InternalError'], [503, 'SlowDown'], [429, 'TooManyRequests'], [400, 'RequestTimeout'], [409, 'ConditionalRequestConflict'],
] as const)('after %d %s it tries again, later and later', async ([status, code]) => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 1000});
  const patience = {firstWait: 40, longestWait: 10_000, total: 20_000};
  happenToPacks(...Array.from({length: 4}, () => answerWith(status, code)));
  const retries: string[] = [];
  await runReplica({...replica, patience}, {onRetry: (text) => retries.push(text)});
  expect(ofPack().map((request) => request.status)).toEqual([status, status, status, status, 200]);
  const gaps = ofPack().map(({at}) => at).flatMap((at, index, all) => (index === 0 ? [] : [at - (all[index - 1] ?? 0)]));
  // Each wait is twice the one before, give or take a half.
  for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(20 * 2 ** index - 2);
  expect(retries).toHaveLength(4);
  expect(retries[0]).toContain(`the service answered ${status} ${code}`);
  await expectAllThere();
});

test.for([[503, 'SlowDown'], [429, 'TooManyRequests']] as const)('after %d it waits as long as the service asks', async ([status, code]) => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 1000});
  happenToPacks(answerWith(status, code, {'retry-after': '1'}));
  await runReplica(replica);
  const [before, after] = ofPack();
  expect((after?.at ?? 0) - (before?.at ?? 0)).toBeGreaterThanOrEqual(995);
});

test('a refusal is final: one request, and no body where the service says so early', async () => {
  makeLooseRepository(replica.repository, {count: 3, bytes: 100_000});
  await expect(runReplica({...replica, key: bucket.keys.read})).rejects.toMatchObject({kind: 'refused', status: 403, code: 'AccessDenied'});
  expect(requests()).toHaveLength(1);

  await runReplica({...replica, repository: replica.repository, ledger: `${replica.ledger}-again`}).then(() => (first = proxy.requests.length));
  happenToPacks(...Array.from({length: 9}, (): S3Action => ({kind: 'answer', status: 403, early: true, body: '<Error><Code>AccessDenied</Code></Error>'})));
  await expect(runReplica({...replica, connections: 1})).rejects.toMatchObject({kind: 'refused'});
  expect(ofPack().map(({status, bodyBytes}) => [status, bodyBytes])).toEqual([[403, 0]]);
});

test('a service that knows no If-None-Match is sent to without it from then on', async () => {
  makeLooseRepository(replica.repository, {count: 6, bytes: 1000});
  const notImplemented = answerWith(501, 'NotImplemented');
  proxy.setRule(({headers}) => (headers['if-none-match'] === undefined ? undefined : notImplemented));
  expect(await runReplica({...replica, connections: 1})).toMatchObject({conditional: false, files: 7});
  expect(requests().map(({status, headers}) => [status, headers['if-none-match']])).toEqual([[501, '*'], ...Array.from({length: 7}, () => [200, undefined])]);
  await expectAllThere();
});

test('what is there already counts as sent, and costs no upload', async () => {
  makeLooseRepository(replica.repository, {count: 4, bytes: 200_000});
  const there = {...answerWith(412, 'PreconditionFailed'), early: true};
  proxy.setRule(({path}) => (path.includes('/data/') ? there : undefined));
  expect(await runReplica(replica)).toMatchObject({conditional: true});
  expect(ofPack().map(({status, bodyBytes}) => [status, bodyBytes])).toEqual(Array.from({length: 4}, () => [412, 0]));
  expect([...openReplicaLedger(replica).sent.keys()].toSorted()).toEqual([...localEtags(replica.repository).keys()]);
  // The same where the service takes the body first.
  proxy.setRule(({path}) => (path.includes('/data/') ? {...there, early: false} : undefined));
  await runReplica({...replica, ledger: `${replica.ledger}-again`});
  expect(ofPack().slice(4).map(({status, bodyBytes}) => [status, bodyBytes])).toEqual(Array.from({length: 4}, () => [412, 200_000]));
});

test('a service that falls silent is given up after a while, and tried again', async () => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 100_000});
  happenToPacks({kind: 'stall'}, {kind: 'stall'});
  const retries: string[] = [];
  const begun = Date.now();
  await runReplica({...replica, idleLimit: 300}, {onRetry: (text) => retries.push(text)});
  expect(Date.now() - begun).toBeGreaterThan(600);
  expect(retries).toEqual([expect.stringMatching(/^no answer for \d+ seconds$/), expect.stringMatching(/^no answer for/)]);
  await expectAllThere();
});

test('a slow flow is not silence', async () => {
  makeLooseRepository(replica.repository, {count: 5, bytes: 20_000});
  const retries: string[] = [];
  await runReplica({...replica, idleLimit: 1500, kibPerSecond: 20}, {onRetry: (text) => retries.push(text)});
  expect(retries).toEqual([]);
});

test('the upload limit holds for all connections together', async () => {
  makeLooseRepository(replica.repository, {count: 16, bytes: 128 * 1024});
  const begun = Date.now();
  await runReplica({...replica, kibPerSecond: 1024});
  const seconds = (Date.now() - begun) / 1000;
  console.log(`2 MiB at 1 MiB/s took ${seconds.toFixed(2)} s`);
  expect(seconds).toBeGreaterThan(1.8);
  expect(seconds).toBeLessThan(4);
  await expectAllThere();
});

test('never more uploads at a time than connections', async () => {
  makeLooseRepository(replica.repository, {count: 40, bytes: 1000});
  let now = 0;
  let most = 0;
  proxy.setRule(() => {
    most = Math.max(most, (now += 1));
    return {kind: 'delay', milliseconds: 15};
  });
  proxy.setAfterEach(() => Promise.resolve(void (now -= 1)));
  await runReplica(replica);
  expect(most).toBe(5);
});

test('half a gigabyte in large files needs little memory', async () => {
  makeLooseRepository(replica.repository, {count: 24, bytes: 16 * 2 ** 20});
  makeLooseRepository(replica.repository, {count: 1, bytes: 100 * 2 ** 20});
  // What counts is what leaves this process; the gateway would keep it all in memory.
  proxy.setRule(() => ({kind: 'answer', status: 200}));
  const {residentKib, bytes} = JSON.parse(await resultOf(spawnReplica(replica)));
  console.log(`${Math.round(bytes / 2 ** 20)} MiB replicated with at most ${Math.round(residentKib / 1024)} MiB resident`);
  expect(bytes).toBeGreaterThan(480 * 2 ** 20);
  expect(residentKib).toBeLessThan(200 * 1024);
});

test('the token of temporary keys is sent and signed', async () => {
  makeLooseRepository(replica.repository, {count: 1, bytes: 1000});
  proxy.setRule(() => ({kind: 'answer', status: 200}));
  await runReplica({...replica, key: {...replica.key, sessionToken: 'a+token/of=mine=='}});
  expect(requests()).toHaveLength(2);
  for (const {headers} of requests()) {
    expect(headers['x-amz-security-token']).toBe('a+token/of=mine==');
    expect(headers.authorization).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
  }
});

test.for(['with space/a+b', 'ü/日本語 (1)', "50%/%41/it's!*~", 'a?b#c&d=e;f:g@h,i$j'])('the prefix %s is the same to the tool and to restic', async (prefix) => {
  await local.change({file: 300_000});
  await local.backup();
  const strange = {...replica, repository: local.path, prefix};
  await runReplica(strange);
  const root = replicaRoot(strange);
  expect(root.startsWith(`${prefix}/`)).toBe(true);
  expect((await bucket.list(root)).length).toBe(localEtags(local.path).size);
  const repository = resticUrl({endpoint: new URL(proxy.endpoint), bucket: bucket.name, prefix: root});
  for (const age of ['oldest', 'newest'] as const) {
    expect(await local.restic(['--no-lock', 'check', '--read-data'], {age, repository, env: resticKeys(bucket, 'read')})).toContain('no errors');
  }
});
