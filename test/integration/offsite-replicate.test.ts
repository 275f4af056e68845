import {mkdir, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, afterEach, beforeAll, expect, test} from 'vitest';
import {countPacks, watchInvariant, type Invariant} from '../support/bucket-invariant.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {makeLocalRepository, type LocalRepository} from '../support/local-repository.ts';
import {resticKeys} from '../support/offsite.ts';
import {localEtags, openReplicaLedger, replicaRoot, runReplica, type Replica} from '../support/replication.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {listTree} from '../support/tree.ts';
import {useBench} from '../support/use-bench.ts';

let gateway: Gateway;
let proxy: S3Proxy;
let local: LocalRepository;
let invariant: Invariant;
let bucket: Bucket;
/** The source as it was at each snapshot, and the number of the backup. */
const trees = new Map<string, string>();
const snapshots: string[] = [];
const mebibyte = 1024 * 1024;

beforeAll(async () => {
  gateway = await startGateway(useBench());
  proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
  local = await makeLocalRepository(useBench());
  invariant = watchInvariant(local);
  bucket = await gateway.makeBucket({versioned: true});
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

const replicaTo = (to: Bucket, name: string): Replica => ({
  repository: local.path, id: local.id, endpoint: proxy.endpoint, bucket: to.name, key: to.keys.put, ledger: join(local.directory, `${name}.jsonl`),
});
const objectsOf = async (to: Bucket, root: string) => Object.fromEntries((await to.list(`${root}/`)).map(({key, etag}) => [key.slice(root.length + 1), etag]));

/** Looks at the bucket after every single PUT, before the replicator hears of it. */
function watch(to: Bucket, replica: Replica, afterPut: () => void = () => {}): void {
  // What must be there first comes late, so that nothing but waiting for it helps.
  proxy.setRule(({path, index}) => (path.includes('/index/') || (path.includes('/data/') && index % 3 === 0) ? {kind: 'delay', milliseconds: 25} : undefined));
  proxy.setAfterEach(async ({method}) => {
    if (method !== 'PUT') return;
    await invariant.check(to, replicaRoot(replica));
    afterPut();
  });
}

async function backUp(): Promise<void> {
  const id = await local.backup();
  snapshots.push(id);
  trees.set(id, await listTree(local.source));
  await invariant.note();
}

async function readWithRestic(to: Bucket, root: string, args: string[], age: 'oldest' | 'newest' = 'newest'): Promise<string> {
  return local.restic(['--no-lock', ...args], {age, repository: `s3:${proxy.endpoint}/${to.name}/${root}`, env: resticKeys(to, 'read')});
}

test('after every single upload of many nights the bucket holds a whole repository', async () => {
  const replica = replicaTo(bucket, 'nights');
  // What lies around in a repository's directory and must never leave it.
  const decoys = [
    `locks/${'a'.repeat(64)}`, `data/00/${'0'.repeat(64)}-tmp-123`, `data/${'b'.repeat(64)}`, `data/zz/${'c'.repeat(64)}`,
    `snapshots/${'A'.repeat(64)}`, `keys/${'d'.repeat(63)}`, 'index/foo', 'config.bak', 'timetiles.lock',
  ].map((path) => join(local.path, path));
  const placeDecoys = async () => {
    for (const path of decoys) {
      await mkdir(dirname(path), {recursive: true});
      await writeFile(path, 'not for others');
    }
  };
  // Whatever was in the local repository when it was replicated.
  const expected = new Map<string, string>();
  watch(bucket, replica);
  await local.change({big: 20 * mebibyte});
  for (let night = 0; night < 12; night += 1) {
    await local.change({[`night ${night}`]: 300_000, log: 20_000});
    if (night === 6) await local.change({big: 9 * mebibyte});
    await backUp();
    if (night === 10) {
      await rm(join(local.source, 'night 2'));
      await local.restic(['forget', '--keep-last', '3', '--prune', '--max-unused', '0']);
      await invariant.note();
    }
    for (const [path, etag] of localEtags(local.path)) expected.set(path, etag);
    await placeDecoys();
    await runReplica(replica);
    // restic itself stumbles over some of them.
    for (const path of decoys) await rm(path);
  }

  expect(await local.ids('snapshots')).toHaveLength(4);
  expect(countPacks(local.path)).toBeGreaterThan(3);
  const root = replicaRoot(replica);
  expect(await objectsOf(bucket, root)).toEqual(Object.fromEntries(expected));
  expect(Object.keys(await objectsOf(bucket, root)).filter((path) => path.startsWith('snapshots/'))).toHaveLength(12);
  // Nothing was sent twice, and every request said what it sends.
  const versions = await bucket.versions();
  expect(new Set(versions.map(({key}) => key)).size).toBe(versions.length);
  const puts = proxy.requests.filter(({method}) => method === 'PUT');
  expect(proxy.requests).toHaveLength(puts.length);
  expect(puts).toHaveLength(versions.length);
  for (const {path, headers} of puts) {
    expect(path).toMatch(/^\/[^/]+\/backups\/[0-9a-f]{64}\/[^/]+\/(config|data\/([0-9a-f]{2})\/\2[0-9a-f]{62}|(index|snapshots|keys)\/[0-9a-f]{64})$/);
    const name = path.split('/').at(-1) ?? '';
    expect(headers).toMatchObject({'content-md5': expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/), 'if-none-match': '*'});
    expect(headers['x-amz-content-sha256']).toMatch(name === 'config' ? /^[0-9a-f]{64}$/ : name);
    expect(headers['transfer-encoding']).toBeUndefined();
  }
});

test.for(['oldest', 'newest'] as const)('the %s restic checks the copy, lists all it ever got, and restores what was pruned here', async (age) => {
  const root = replicaRoot(replicaTo(bucket, 'nights'));
  expect(await readWithRestic(bucket, root, ['check', '--read-data'], age)).toContain('no errors were found');
  const listed: {id: string}[] = JSON.parse(await readWithRestic(bucket, root, ['snapshots', '--json'], age));
  expect(listed.map(({id}) => id).toSorted()).toEqual(snapshots.toSorted());
  for (const id of [snapshots[1] ?? '', snapshots.at(-1) ?? '']) {
    const target = join(local.directory, `restored ${age} ${id.slice(0, 8)}`);
    await readWithRestic(bucket, root, ['restore', id, '--target', target], age);
    expect(await listTree(join(target, local.source))).toBe(trees.get(id));
  }
});

test('stopped after any upload, the copy is whole as far as it goes, and goes on from there', async () => {
  const to = await gateway.makeBucket();
  const replica = replicaTo(to, 'stopped');
  let rounds = 0;
  for (const count of [1, 1, 2, 3, 5, 1, 1, 1, 1, 4, 1, 1, 1, 1]) {
    const stop = new AbortController();
    const known = new Set(openReplicaLedger(replica).sent.keys());
    const first = proxy.requests.length;
    let puts = 0;
    watch(to, replica, () => {
      puts += 1;
      if (puts === count) stop.abort(new Error('Ctrl-C'));
    });
    const outcome = await runReplica(replica, {signal: stop.signal}).then(() => 'done', (error: Error) => error.message);
    const root = replicaRoot(replica);
    // What is still under way when it stops may arrive a little later.
    await sleep(50);
    await invariant.check(to, root);
    const asked = proxy.requests.slice(first).map(({path}) => path.slice(`/${to.name}/${root}/`.length));
    expect(asked.filter((path) => known.has(path))).toEqual([]);
    if (outcome === 'done') break;
    expect(outcome).toBe('Ctrl-C');
    rounds += 1;
  }
  expect(rounds).toBeGreaterThan(8);
  watch(to, replica);
  await runReplica(replica);
  expect(await objectsOf(to, replicaRoot(replica))).toEqual(Object.fromEntries(localEtags(local.path)));
});

test('a prune beside the replicator makes it list anew, and it ends well', async () => {
  const to = await gateway.makeBucket();
  const replica = {...replicaTo(to, 'pruned beside'), connections: 2};
  await local.change({big: 9 * mebibyte, 'night 4': 500_000});
  await backUp();
  let pruned: Promise<void> | undefined;
  const prune = async () => {
    await local.restic(['forget', '--keep-last', '1', '--prune', '--max-unused', '0']);
    await invariant.note();
  };
  const listed = [...localEtags(local.path).keys()];
  proxy.setAfterEach(async ({method, path}) => {
    // The prune has done all its work before the replicator hears that its first pack is there.
    if (path.includes('/data/')) await (pruned ??= prune());
    if (method === 'PUT') await invariant.check(to, replicaRoot(replica));
  });
  await runReplica(replica);
  const gone = listed.filter((path) => !localEtags(local.path).has(path));
  expect(gone.filter((path) => path.startsWith('data/')).length).toBeGreaterThan(2);
  const there = await objectsOf(to, replicaRoot(replica));
  expect(there).toMatchObject(Object.fromEntries(localEtags(local.path)));
  expect(gone.some((path) => !(path in there))).toBe(true);
  expect(await readWithRestic(to, replicaRoot(replica), ['check', '--read-data'])).toContain('no errors were found');
  expect(JSON.parse(await readWithRestic(to, replicaRoot(replica), ['snapshots', '--json']))).toHaveLength(1);
});
