import {copyFileSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, timetiles, type TimetilesResult} from '../support/cli.ts';
import {dotenvText} from '../support/dotenv.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {epochRoots, offsiteConfig, resticKeys} from '../support/offsite.ts';
import {plainRestic} from '../support/plain-restic.ts';
import type {Bucket, KeyKind} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {listTree} from '../support/tree.ts';
import {changeStack, errorOf, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let gateway: Gateway;
let bucket: Bucket;
let proxy: S3Proxy;
let source: State;

/** An installation of its own that knows a repository of its own, and the offsite address by one of the bucket's keys. */
interface Host {
  home: string;
  repository: string;
  run(args: string[]): Promise<TimetilesResult>;
  told(args: string[]): Promise<ReturnType<TimetilesResult['json']>>;
}

async function makeHost(name: string, kind: KeyKind): Promise<Host> {
  const home = join(stack.scratch, name);
  const repository = join(home, 'repository');
  await mkdir(home, {mode: 0o700});
  const config = {RESTIC_PASSWORD: 'a bench password', RESTIC_REPOSITORY: repository, COMPOSE_PROJECT_NAME: stack.project, ...offsiteConfig(proxy.endpoint, bucket, kind)};
  await writeFile(join(home, 'bootstrap.conf'), dotenvText(config), {mode: 0o600});
  const run: Host['run'] = (args) => timetiles(args, {stack, env: {TIMETILES_HOME: home}});
  const told: Host['told'] = async (args) => {
    const result = await run([...args, '--json']);
    expectExit(result, 0);
    return result.json();
  };
  return {home, repository, run, told};
}

/** Ids of the repositories below the prefix, and the epochs of one, oldest first. */
const idsThere = async () => [...new Set((await epochRoots(bucket)).map((root) => root.split('/')[1] ?? ''))];
const epochsOf = async (id: string) => (await epochRoots(bucket)).filter((root) => root.includes(id));

let first: Host;
let second: Host;
let bare: Host;
/** Ids of both hosts' repositories. */
let ids: {first: string; second: string};

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  gateway = await startGateway(useBench());
  bucket = await gateway.makeBucket({versioned: true});
  proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
  await fillStack(stack, {rows: 2000, files: 20});
  source = await stateOf(stack);
  [first, second, bare] = await Promise.all([makeHost('first', 'put'), makeHost('second', 'put'), makeHost('bare', 'read')]);
});
afterAll(async () => {
  await proxy?.close();
  await gateway?.stop();
  await stack?.stop();
});

describe('two hosts under one prefix', () => {
  test('copy at the same time, and neither touches an object of the other', async () => {
    for (const args of [['backup', 'uploads', '--offsite'], ['backup', '--offsite']]) {
      const reports = await Promise.all([first, second].map((host) => host.told(args)));
      for (const {offsite} of reports) expect(offsite).toMatchObject({state: 'done', level: 'write-only', lagSets: 0});
      const epochs = reports.map(({offsite}) => /epoch (\S+)$/.exec(offsite.message)?.[1]);
      const roots = await epochRoots(bucket);
      const [one = '', two = ''] = epochs.map((epoch) => roots.find((root) => root.endsWith(`/${epoch}`))?.split('/')[1]);
      ids = {first: one, second: two};
    }
    expect(new Set(await idsThere())).toEqual(new Set([ids.first, ids.second]));
    expect(await epochRoots(bucket)).toHaveLength(2);
    const versions = await bucket.versions();
    expect(versions.filter(({isDeleteMarker}) => isDeleteMarker)).toEqual([]);
    expect(versions.map(({key}) => key).toSorted()).toEqual((await bucket.list()).map(({key}) => key).toSorted());
    for (const root of await epochRoots(bucket)) {
      expect(await plainRestic(stack, ['check', '--read-data'], {repository: `s3:${proxy.endpoint}/${bucket.name}/${root}`, env: resticKeys(bucket, 'read')})).toContain('no errors were found');
    }
  });
});

describe('a bare machine with a reading key', () => {
  test('is told which repositories there are, and picks one by the beginning of its id', async () => {
    for (const args of [['backup', 'list', '--offsite'], ['restore', 'latest', '--offsite', '--yes']]) {
      const result = await bare.run([...args, '--json']);
      expect([result.exitCode, errorOf(result).kind]).toEqual([2, 'usage']);
      for (const id of [ids.first, ids.second]) expect(errorOf(result).message).toContain(id.slice(0, 12));
      expect(errorOf(result).next).toContain('--repository');
    }
    const unknown = await bare.run(['backup', 'list', '--offsite', '--repository', 'xyz', '--json']);
    expect([unknown.exitCode, errorOf(unknown).kind]).toEqual([1, 'not-found']);
    for (const id of [ids.first, ids.second]) expect(errorOf(unknown).message).toContain(id.slice(0, 12));
    const {sets} = await bare.told(['backup', 'list', '--offsite', '--repository', ids.second.slice(0, 8)]);
    const own = (await second.told(['backup', 'list'])).sets;
    expect(sets.map(({set}: {set: string}) => set)).toEqual(own.map(({set}: {set: string}) => set));
  });

  test('asks on a terminal', async () => {
    const target = join(stack.scratch, 'picked');
    const terminal = await openTerminal(['restore', 'latest', '--offsite', '--only', 'db', '--target', target], {stack, env: {TIMETILES_HOME: bare.home}});
    try {
      const screen = await terminal.waitFor('Which repository?');
      for (const id of [ids.first, ids.second]) expect(screen).toContain(id.slice(0, 12));
      await terminal.press('Down', 'Enter');
      expect(await terminal.exitCode()).toBe(0);
    } finally {
      await terminal.close();
    }
    expect(await readdir(target)).toContain('database.sql');
  });

  test('restores into a directory, and in place', async () => {
    const repository = ['--repository', ids.first.slice(0, 10)];
    const target = join(stack.scratch, 'bare-look');
    await bare.told(['restore', 'latest', '--offsite', ...repository, '--target', target]);
    // The directory itself is a new one; all in it is as it was.
    const contentOf = async (path: string) => (await listTree(path)).split('\n').slice(1);
    expect(await contentOf(join(target, 'uploads'))).toEqual(await contentOf(stack.uploadsPath));
    await changeStack(stack, 'lost');
    const report = await bare.told(['restore', 'latest', '--offsite', ...repository, '--yes']);
    expect(report).toMatchObject({state: 'done', restored: ['db', 'uploads']});
    expect(await stateOf(stack)).toEqual(source);
    // What was there before is the first set of a new local repository.
    expect((await bare.told(['backup', 'list'])).sets).toMatchObject([{set: report.safetySet, state: 'complete'}]);
  });
});

describe('epochs', () => {
  const choose = () => ['--offsite', '--repository', ids.first.slice(0, 10)];
  const objectsBelow = async (root: string) => (await bucket.list(`${root}/`)).map(({key, etag}) => `${key} ${etag}`);

  /** What an upload that was cut off in its last stage has sent: all else, and of each set one snapshot. */
  const firstSnapshots = async () => {
    const {sets} = await first.told(['backup', 'list']);
    const kept = sets.map(({snapshots}: {snapshots: {id: string}[]}) => `snapshots/${snapshots[0]?.id}`);
    return (path: string) => !path.startsWith('snapshots/') || kept.includes(path);
  };

  test('a new one is a whole copy, and the older one stays as it is', async () => {
    const [old = ''] = await epochsOf(ids.first);
    const before = await objectsBelow(old);
    expect(await first.told(['offsite', 'new-epoch'])).toMatchObject({state: 'done', level: 'write-only', lagSets: 0});
    const [stillOld = '', newest = ''] = await epochsOf(ids.first);
    expect(stillOld).toBe(old);
    expect(await objectsBelow(old)).toEqual(before);
    const names = (objects: string[], root: string) => objects.map((object) => object.slice(root.length));
    expect(names(await objectsBelow(newest), newest)).toEqual(expect.arrayContaining(names(before, old)));
    const result = await bare.run(['restore', 'latest', ...choose(), '--target', join(stack.scratch, 'newest-epoch')]);
    expectExit(result, 0);
    expect(result.stderr).toContain(newest);
  });

  test.each<[string, ((path: string) => boolean) | undefined]>([
    ['a config alone', (path: string) => path === 'config'],
    ['config and keys', (path: string) => path === 'config' || path.startsWith('keys/')],
    ['all but one snapshot of each set', undefined],
  ])('one that was just begun, with %s, is passed over', async (_, given) => {
    const isThere = given ?? (await firstSnapshots());
    const newest = (await epochsOf(ids.first)).at(-1) ?? '';
    const begun = `${newest.slice(0, newest.lastIndexOf('/'))}/20991231T000000Z-ffff`;
    const objects = (await bucket.list(`${newest}/`)).map(({key}) => key.slice(newest.length + 1)).filter(isThere);
    for (const path of objects) await bucket.put(`${begun}/${path}`, await bucket.get(`${newest}/${path}`));
    try {
      const {sets} = await bare.told(['backup', 'list', ...choose()]);
      for (const set of sets) expect(set).toMatchObject({state: 'complete', epoch: newest.split('/').at(-1)});
      if (given) {
        expect(await bare.told(['backup', 'verify', ...choose()])).toMatchObject({state: 'ok', newestSet: sets[0].set});
        return;
      }
      for (const wanted of ['latest', sets[0].set]) {
        const result = await bare.run(['restore', wanted, ...choose(), '--target', join(stack.scratch, `passed over for ${wanted}`)]);
        expectExit(result, 0);
        expect(result.stderr).toContain(`reading from s3:${proxy.endpoint}/${bucket.name}/${newest}`);
      }
    } finally {
      for (const path of objects) await bucket.remove(`${begun}/${path}`);
    }
  });
});

describe('the ledger', () => {
  const ledgerOf = (host: Host) => {
    const directory = join(host.home, 'state', 'offsite');
    const [target = ''] = readdirSync(directory);
    const name = readdirSync(join(directory, target)).find((entry) => entry.startsWith('ledger-')) ?? '';
    return join(directory, target, name);
  };
  const localFiles = (host: Host) =>
    readdirSync(host.repository, {recursive: true, withFileTypes: true}).filter((entry) => entry.isFile() && (entry.name === 'config' || /^[0-9a-f]{64}$/.test(entry.name))).map((entry) => join(entry.parentPath, entry.name).slice(host.repository.length + 1));
  const backUpDb = async () => (await first.told(['backup', 'db', '--offsite'])).offsite;

  test('cut in the middle: only what it lost is sent again', async () => {
    const epochs = await epochsOf(ids.first);
    const path = ledgerOf(first);
    const text = readFileSync(path, 'utf8');
    const kept = text.slice(0, Math.floor(text.length / 2));
    const known = new Set([...kept.matchAll(/^\{"path":"([^"]+)".*\}$/gm)].map(([, name]) => name));
    expect(known.size).toBeGreaterThan(2);
    writeFileSync(path, kept);
    const offsite = await backUpDb();
    expect(offsite).toMatchObject({state: 'done', files: localFiles(first).filter((name) => !known.has(name)).length});
    expect(await epochsOf(ids.first)).toEqual(epochs);
    expect(await backUpDb()).toMatchObject({state: 'done', files: expect.any(Number)});
    expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(localFiles(first).length + 1);
  });

  test("in the place of another repository's: ignored", async () => {
    const epochs = await epochsOf(ids.first);
    copyFileSync(ledgerOf(second), ledgerOf(first));
    expect(await backUpDb()).toMatchObject({state: 'done', files: localFiles(first).length, lagSets: 0});
    expect(await epochsOf(ids.first)).toEqual([...epochs, expect.stringContaining(ids.first)]);
  });

  test('lost with all that this host knew: a new epoch, and the old ones as they were', async () => {
    const before = (await bucket.list()).map(({key, etag}) => `${key} ${etag}`);
    const epochs = await epochsOf(ids.first);
    await rm(join(first.home, 'state', 'offsite'), {recursive: true});
    expect(await backUpDb()).toMatchObject({state: 'done', level: 'write-only', files: localFiles(first).length, lagSets: 0});
    expect((await bucket.list()).map(({key, etag}) => `${key} ${etag}`)).toEqual(expect.arrayContaining(before));
    expect(await epochsOf(ids.first)).toHaveLength(epochs.length + 1);
    const sets = (await bare.told(['backup', 'list', '--offsite', '--repository', ids.first])).sets;
    expect(sets.map(({set}: {set: string}) => set)).toEqual((await first.told(['backup', 'list'])).sets.map(({set}: {set: string}) => set));
  });
});
