import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {writeFileSync} from 'node:fs';
import {startTimetiles, timetiles} from '../support/cli.ts';
import {commandLinesDuring} from '../support/command-lines.ts';
import {startStack, type Stack} from '../support/stack.ts';
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
  ALERT_WEBHOOK_URL: 'https://example.org/hOoK-sEcReT-4711',
  HEARTBEAT_URL: 'https://example.org/bEaT-sEcReT-4711',
  RESTIC_OFFSITE_REPOSITORY: 'rest:https://me:oFfSiTe-sEcReT-4711@example.org/',
  BACKUP_PRE_COMMAND: 'true hOoK-tOkEn-4711',
};
const needles = ['rEsTiC', 'dB "pw', 'aWs-', 'sMtP-', 'hOoK-sEcReT', 'bEaT-', 'oFfSiTe-'];

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {dbPassword});
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
  for (const expected of [/^restic backup .*--stdin/, /^restic (dump|restore)/, /^docker exec .*PGPASSWORD/, /pg_dump --snapshot/, /^psql |\/psql /]) {
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

it('stand in no file that the tool keeps for itself', async () => {
  const state = join(stack.home, 'state');
  const files = (await readdir(state, {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const text = await readFile(join(file.parentPath, file.name), 'utf8');
    expect(needles.filter((needle) => text.includes(needle))).toEqual([]);
  }
});
