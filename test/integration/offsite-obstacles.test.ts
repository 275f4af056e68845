import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {rename, symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {makeCertificates} from '../support/certificates.ts';
import {expectExit, timetiles, toolEnvironment, type TimetilesResult} from '../support/cli.ts';
import {withSmallDisk} from '../support/disk.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {withHosts} from '../support/hosts.ts';
import {epochRoots, offsiteConfig, resticKeys} from '../support/offsite.ts';
import {checkout} from '../support/paths.ts';
import {localEtags} from '../support/replication.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let gateway: Gateway;
let proxy: S3Proxy;
let bucket: Bucket;

beforeAll(async () => {
  gateway = await startGateway(useBench());
  proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
  stack = await startStack(useBench(), {web: 0, heartbeat: false, databaseInMemory: true});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  expectExit(await timetiles(['backup', 'db'], {stack}), 0);
});
// A bucket of its own is a copy of its own, of which nothing is remembered.
beforeEach(async () => {
  bucket = await gateway.makeBucket();
});
afterEach(() => proxy.setRule(undefined));
afterAll(async () => {
  await stack.stop();
  await proxy.close();
  await gateway.stop();
});

const configure = (more: Record<string, string> = {}, endpoint = proxy.endpoint) => stack.writeConfig({...offsiteConfig(endpoint, bucket, 'put'), ...more});
const send = () => timetiles(['backup', 'db', '--offsite', '--json'], {stack});
const alerts = () => {
  try {
    return readFileSync(join(stack.home, 'alerts.log'), 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
};

/** The run is good here and has failed offsite. */
function expectFailedOffsite(result: TimetilesResult, words: RegExp): void {
  expectExit(result, 0);
  expect(result.json()).toMatchObject({state: 'complete', offsite: {state: 'failed', message: expect.stringMatching(words)}});
  expect(result.stderr).toMatch(words);
}

async function expectCopied(result: TimetilesResult): Promise<void> {
  expectExit(result, 0);
  expect(result.json(), result.stderr).toMatchObject({offsite: {state: 'done', level: 'write-only', lagSets: 0}});
  const [root = '', ...more] = await epochRoots(bucket);
  expect(more).toEqual([]);
  const there = (await bucket.list(`${root}/`)).map(({key, etag}) => [key.slice(root.length + 1), etag] as const);
  expect(new Map(there)).toEqual(localEtags(stack.repository));
}

async function expectListed(result: TimetilesResult, set: string): Promise<void> {
  expectExit(result, 0);
  expect(result.json().sets.map(({set: id}: {set: string}) => id)[0]).toBe(set);
}

test('a local pack with a flipped bit stays here, is named, and stops the copy before its index', async () => {
  await configure();
  const packs = [...localEtags(stack.repository).keys()].filter((path) => path.startsWith('data/'));
  const [largest = ''] = packs.toSorted((a, b) => statSync(join(stack.repository, b)).size - statSync(join(stack.repository, a)).size);
  const path = join(stack.repository, largest);
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(1000) ^ 1, 1000);
  writeFileSync(path, damaged);
  const before = alerts().length;
  try {
    const result = await send();
    expectFailedOffsite(result, new RegExp(largest));
    expect(result.stderr).toContain('timetiles backup verify --read-data');
    expect(alerts().slice(before).map((line) => JSON.parse(line))).toMatchObject([{kind: 'repository-damaged', message: expect.stringContaining(largest)}]);
    const there = (await bucket.list()).map(({key}) => key.split('/').slice(3).join('/'));
    expect(there).toContain('config');
    expect(there.filter((key) => key === largest || /^(index|snapshots)\//.test(key))).toEqual([]);
  } finally {
    writeFileSync(path, whole);
  }
  await expectCopied(await send());
});

test('bytes that change on every try: the advice looks for what changes them', async () => {
  await configure();
  proxy.setRule(({method, path}) => (method === 'PUT' && path.includes('/data/') ? {kind: 'damage', offset: 100} : undefined));
  const result = await send();
  expectFailedOffsite(result, /XAmzContentSHA256Mismatch/);
  expect(result.stderr).toContain('Bytes change on their way');
  proxy.setRule(undefined);
  await expectCopied(await send());
});

test('a service that knows no If-None-Match is remembered as such', async () => {
  await configure();
  const first = proxy.requests.length;
  proxy.setRule(({method, headers}) => (method === 'PUT' && headers['if-none-match'] !== undefined ? {kind: 'answer', status: 501, body: '<Error><Code>NotImplemented</Code></Error>'} : undefined));
  await expectCopied(await send());
  const asked = () => proxy.requests.slice(first).filter(({method, headers}) => method === 'PUT' && headers['if-none-match'] !== undefined).length;
  const once = asked();
  expect(once).toBeGreaterThan(0);
  // Those under way when it told.
  expect(once).toBeLessThanOrEqual(5);
  await expectCopied(await send());
  expect(asked()).toBe(once);
});

test('a private certificate authority is refused with the way out, and works when it is named', async () => {
  const certificates = await makeCertificates();
  const secure = await startS3Proxy(gateway.endpoint, {tls: certificates.tls, owner: gateway.owner});
  try {
    await configure({}, secure.endpoint);
    const refused = await send();
    expectFailedOffsite(refused, /the certificate of 127\.0\.0\.1:\d+ is not trusted/);
    expect(refused.stderr).toContain('RESTIC_CACERT');
    expect(secure.requests).toEqual([]);
    await configure({RESTIC_CACERT: certificates.authority}, secure.endpoint);
    const sent = await send();
    await expectCopied(sent);
    await expectListed(await timetiles(['backup', 'list', '--offsite', '--json'], {stack, env: resticKeys(bucket, 'read')}), sent.json().set);
    expect(secure.requests.length).toBeGreaterThan(5);
  } finally {
    await secure.close();
    await certificates.remove();
  }
});

test('with the bucket in the name of the host', async () => {
  const {hostname} = new URL(gateway.namedEndpoint);
  const {port} = new URL(proxy.endpoint);
  const [unshare, ...inside] = await withHosts([hostname, `${bucket.name}.${hostname}`]);
  const run = async (args: string[], env: Record<string, string> = {}): Promise<TimetilesResult> => {
    const {exitCode = 1, stdout, stderr} = await execa(unshare, [...inside, process.execPath, join(checkout, 'bin', 'run.js'), ...args], {env: toolEnvironment({stack, env}), extendEnv: false, cwd: stack.scratch, reject: false});
    return {exitCode, stdout, stderr, json: () => JSON.parse(stdout)};
  };
  await configure({OFFSITE_BUCKET_LOOKUP: 'dns'}, `http://${hostname}:${port}`);
  const first = proxy.requests.length;
  const sent = await run(['backup', 'db', '--offsite', '--json']);
  await expectCopied(sent);
  await expectListed(await run(['backup', 'list', '--offsite', '--json'], resticKeys(bucket, 'read')), sent.json().set);
  const asked = proxy.requests.slice(first);
  expect(new Set(asked.map(({headers}) => headers.host))).toEqual(new Set([`${bucket.name}.${hostname}:${port}`]));
  expect(asked.filter(({path}) => path.startsWith(`/${bucket.name}`))).toEqual([]);
});

test('a bucket at AWS_ENDPOINT_URL, below a prefix of awkward characters', async () => {
  const prefix = 'Büro 1/a+b/50% (%41)';
  await configure({RESTIC_OFFSITE_REPOSITORY: `s3:${bucket.name}/${prefix}`, AWS_ENDPOINT_URL: proxy.endpoint});
  const sent = await send();
  await expectCopied(sent);
  expect((await epochRoots(bucket))[0]).toMatch(/^Büro 1\/a\+b\/50% \(%41\)\/[0-9a-f]{64}\//);
  await expectListed(await timetiles(['backup', 'list', '--offsite', '--json'], {stack, env: resticKeys(bucket, 'read')}), sent.json().set);
});

test('a full disk below the state directory is named, and nothing is lost', async () => {
  await configure();
  await expectCopied(await send());
  const state = join(stack.home, 'state');
  await withSmallDisk(1, async (disk) => {
    await rename(state, `${state}.kept`);
    await execa('cp', ['-a', `${state}.kept/.`, disk.path]);
    await symlink(disk.path, state);
    try {
      // A few bytes are free in the last page of the ledger; enough lines need another one.
      await execa('sh', ['-c', 'dd if=/dev/zero of="$0" bs=4096 2>/dev/null; true', join(disk.path, 'filler')]);
      const ledger = readdirSync(join(disk.path, 'offsite'), {recursive: true, encoding: 'utf8'}).find((name) => name.includes('ledger-'));
      expect(ledger).toBeDefined();
      let failed: TimetilesResult | undefined;
      for (let night = 0; night < 6 && failed === undefined; night += 1) {
        const result = await send();
        if (result.exitCode !== 0 || result.json().offsite.state !== 'done') failed = result;
      }
      if (!failed) throw new Error('the disk is not full');
      expectFailedOffsite(failed, /the disk of .*state.* is full/);
      expect(failed.stderr).toContain('Free some space');
      expect(readdirSync(disk.path, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      await execa('rm', [join(disk.path, 'filler')]);
      await expectCopied(await send());
    } finally {
      await execa('rm', [state]);
      await rename(`${state}.kept`, state);
    }
  });
});
