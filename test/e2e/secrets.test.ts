import {chmodSync, writeFileSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {commandLinesDuring} from '../support/command-lines.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {offsiteConfig} from '../support/offsite.ts';
import type {Bucket, KeyKind} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

// Each is unlike anything else on this machine, and hard to quote.
const password = `rEsTiC "pw' $x \\ 4711`;
const dbPassword = `dB "pw' $x \\ 4711`;
const secrets: Record<string, string> = {
  RESTIC_PASSWORD: password,
  DB_PASSWORD: dbPassword,
  AWS_SECRET_ACCESS_KEY: 'aWs-sEcReT-4711',
  AWS_SESSION_TOKEN: 'aWs-tOkEn-4711',
  EMAIL_SMTP_PASS: 'sMtP-sEcReT-4711',
  // Nobody listens there, so that each is also spoken of in a warning.
  ALERT_WEBHOOK_URL: 'https://127.0.0.1:9/hOoK-sEcReT-4711',
  HEARTBEAT_URL: 'https://127.0.0.1:9/bEaT-sEcReT-4711',
  RESTIC_OFFSITE_REPOSITORY: 'rest:https://me:oFfSiTe-sEcReT-4711@example.org/',
  BACKUP_PRE_COMMAND: 'true hOoK-tOkEn-4711',
};
const needles = ['rEsTiC', 'dB "pw', 'aWs-', 'sMtP-', 'hOoK-sEcReT', 'bEaT-', 'oFfSiTe-'];

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {dbPassword});
  await makeCheapRepository(stack, {password});
  await stack.psql('create table t (a text); insert into t select md5(n::text) from generate_series(1, 200000) n');
  writeFileSync(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
});
afterAll(() => stack.stop());

it('stand in no argv, whatever is started', async () => {
  await stack.writeConfig(secrets);
  const seen = new Set<string>();
  for (const args of [['backup'], ['restore', 'latest', '--yes']]) {
    const running = startTimetiles(args, {stack});
    running.stdin.end();
    const lines = await commandLinesDuring(running.result);
    expect(await running.result).toMatchObject({exitCode: 0});
    lines.forEach((line) => seen.add(line));
  }
  const all = [...seen];
  // The test would prove nothing if it had looked away.
  for (const expected of [/^restic backup .*--stdin/, /^restic (dump|restore)/, /^docker exec .*PGPASSWORD/, /pg_dump .*--snapshot=/, /^psql |\/psql /]) {
    expect(all.filter((line) => expected.test(line)).length, String(expected)).toBeGreaterThan(0);
  }
  expect(all.filter((line) => needles.some((needle) => line.includes(needle)))).toEqual([]);
});

describe('stand in no output', () => {
  const debug = {TIMETILES_DEBUG: '1'};

  it.each([
    ['a backup', {}, ['backup'], 0],
    ['a list', {}, ['backup', 'list'], 0],
    ['a look at the host', {}, ['doctor'], 0],
    ['a look at the configuration', {BACKUP_PRE_COMMAND: `true '${secrets['AWS_SECRET_ACCESS_KEY']}'`}, ['config', 'show'], 0],
    ['a check of a broken one', {BACKUP_KEEP_LAST: 'sMtP-wrong', HEARTBEAT_URL: 'bEaT-wrong'}, ['config', 'check'], 2],
    ['a plan', {}, ['restore', 'latest', '--dry-run'], 0],
    ['a wrong repository password', {RESTIC_PASSWORD: 'rEsTiC wrong'}, ['backup', 'list'], 1],
    ['a wrong database password', {DB_PASSWORD: 'dB "pw wrong'}, ['backup'], 1],
    ['a wrong database', {DB_NAME: 'nothing'}, ['backup', 'db'], 1],
    ['a failing hook', {BACKUP_PRE_COMMAND: 'echo "$RESTIC_PASSWORD$DB_PASSWORD"; exit 9 # aWs-tOkEn-4711'}, ['backup'], 1],
    ['a password that is not quoted', {BACKUP_KEEP_LAST: 'sMtP-wrong'}, ['backup'], 2],
    ['a URL that is none', {ALERT_WEBHOOK_URL: 'example.org/hOoK-sEcReT'}, ['backup'], 2],
  ] as const)('of %s', async (_, overrides, args, exitCode) => {
    await stack.writeConfig({...secrets, ...overrides});
    for (const more of [[], ['--json']]) {
      const result = await timetiles([...args, ...more], {stack, env: debug});
      expect(result.exitCode).toBe(exitCode);
      const text = result.stdout + result.stderr;
      expect(text).not.toBe('');
      expect(needles.filter((needle) => text.includes(needle))).toEqual([]);
    }
  });

  it('of a configuration that cannot be parsed', async () => {
    const path = join(stack.home, 'bootstrap.conf');
    for (const line of ['RESTIC_PASSWORD="rEsTiC', 'RESTIC_PASSWORD rEsTiC', 'RESTIC_PASSWORD=rEsTiC#x', "RESTIC_PASSWORD='rEsTiC'x"]) {
      writeFileSync(path, `${line}\n`, {mode: 0o600});
      const result = await timetiles(['backup'], {stack, env: debug});
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain('line 1');
      expect(result.stdout + result.stderr).not.toContain('rEsTiC');
    }
  });
});

describe('with an offsite copy on S3', () => {
  let gateway: Gateway;
  let bucket: Bucket;
  let proxy: S3Proxy;

  beforeAll(async () => {
    gateway = await startGateway(useBench());
    bucket = await gateway.makeBucket();
    proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
    needles.push(...Object.values(bucket.keys).map(({secretAccessKey}) => secretAccessKey));
  });
  afterAll(async () => {
    await proxy?.close();
    await gateway?.stop();
  });

  const configure = (kind: KeyKind, more: Record<string, string | undefined> = {}) =>
    stack.writeConfig({...secrets, AWS_SESSION_TOKEN: undefined, ...offsiteConfig(proxy.endpoint, bucket, kind), ...more});

  /** Runs a command, for people and for programs, and demands that no secret is in what it says. */
  async function expectSilence(args: string[], exitCode: number): Promise<string> {
    let said = '';
    for (const more of [[], ['--json']]) {
      const result = await timetiles([...args, ...more], {stack, env: {TIMETILES_DEBUG: '1'}});
      said += result.stdout + result.stderr;
      expectExit(result, exitCode);
    }
    expect(needles.filter((needle) => said.includes(needle))).toEqual([]);
    return said;
  }

  it.each([
    ['put', /^restic backup /],
    ['full', /^restic .*copy /],
  ] as const)('stand in no argv and no output of a backup with a key to %s', async (kind, expected) => {
    await configure(kind);
    const running = startTimetiles(['backup', '--offsite'], {stack, env: {TIMETILES_DEBUG: '1'}});
    running.stdin.end();
    const lines = await commandLinesDuring(running.result);
    const {exitCode, stdout, stderr} = await running.result;
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/^Offsite: done/m)]);
    expect(lines.filter((line) => expected.test(line))).not.toEqual([]);
    expect([stdout, stderr, ...lines].filter((text) => needles.some((needle) => text.includes(needle)))).toEqual([]);
  });

  it.each<[KeyKind, string[], number]>([
    ['put', ['offsite', 'probe', '--prove'], 0],
    ['put', ['offsite', 'policy'], 0],
    ['put', ['offsite', 'kit'], 0],
    ['put', ['offsite', 'kit', '--check'], 2],
    ['put', ['offsite', 'new-epoch'], 0],
    ['put', ['backup', 'list', '--offsite'], 0],
    ['put', ['backup', 'verify', '--offsite'], 0],
    ['put', ['restore', 'latest', '--offsite', '--yes'], 1],
    ['read', ['backup', 'list', '--offsite'], 0],
    ['read', ['restore', 'latest', '--offsite', '--dry-run'], 0],
    ['full', ['offsite', 'kit'], 0],
    ['full', ['offsite', 'new-epoch'], 2],
    ['full', ['backup', 'prune'], 0],
  ])('stand in no output, with a key to %s, of timetiles %j', async (kind, args, exitCode) => {
    await configure(kind);
    await expectSilence(args, exitCode);
  });

  it('stand in no error about a secret that belongs to no key', async () => {
    await configure('full', {AWS_SECRET_ACCESS_KEY: 'aWs-sEcReT-4711'});
    expect(await expectSilence(['backup', 'uploads', '--offsite'], 0)).toContain('SignatureDoesNotMatch');
  });

  it('stand in no error about a session token, although the service repeats it', async () => {
    const token = secrets['AWS_SESSION_TOKEN'] ?? '';
    await configure('full', {AWS_SESSION_TOKEN: token});
    // As Amazon answers to a token that it does not know.
    const body = `<Error><Code>InvalidToken</Code><Message>The provided token ${token} is malformed</Message><Token-0>${token}</Token-0></Error>`;
    proxy.setRule(({headers}) => (headers['x-amz-security-token'] === token ? {kind: 'answer', status: 400, body} : undefined));
    expect(await expectSilence(['backup', 'uploads', '--offsite'], 0)).toMatch(/offsite copy failed: .*InvalidToken \(The provided token \*{3} is malformed/);
    await expectSilence(['offsite', 'probe'], 1);
    proxy.setRule(undefined);
  });

  it('stand in no alert', async () => {
    await configure('put');
    writeFileSync(join(stack.uploadsPath, 'news'), 'something new');
    const result = await timetiles(['backup', 'uploads'], {stack});
    expectExit(result, 0);
    const sent = new Set((await bucket.list()).map(({key}) => key.split('/').at(-1)));
    const packs = (await readdir(join(stack.repository, 'data'), {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile() && !sent.has(entry.name));
    const [pack] = packs.map((entry) => join(entry.parentPath, entry.name));
    if (pack === undefined) throw new Error('everything was sent already');
    chmodSync(pack, 0o600);
    writeFileSync(pack, 'damaged');
    expect(await expectSilence(['backup', 'uploads', '--offsite'], 0)).toContain('damaged');
    expect(await readFile(join(stack.home, 'alerts.log'), 'utf8')).toContain('"kind":"repository-damaged"');
  });
});

it('stand in no file that the tool keeps for itself', async () => {
  const state = join(stack.home, 'state');
  const files = (await readdir(state, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile());
  for (const expected of ['state.json', /^ledger-.*\.jsonl$/]) expect(files.map(({name}) => name)).toContainEqual(expect.stringMatching(expected));
  const logs = [join(stack.home, 'alerts.log'), join(stack.scratch, 'log', 'timetiles.log')];
  for (const path of [...files.map((file) => join(file.parentPath, file.name)), ...logs]) {
    const text = await readFile(path, 'utf8');
    expect(needles.filter((needle) => text.includes(needle))).toEqual([]);
  }
});
