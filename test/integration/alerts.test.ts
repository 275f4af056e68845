import {randomBytes} from 'node:crypto';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {readdir, rename, stat} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {execa} from 'execa';
import {afterAll, afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {makeCertificates, type Certificates} from '../support/certificates.ts';
import {expectExit, startTimetiles, timetiles, type TimetilesResult} from '../support/cli.ts';
import {startCron} from '../support/cron.ts';
import {withSmallDisk} from '../support/disk.ts';
import {startHttpSink, type HttpSink} from '../support/http-sink.ts';
import {freePort} from '../support/ports.ts';
import {waitUntil} from '../support/processes.ts';
import {startSmtpServer, type ReceivedMail, type SmtpServer} from '../support/smtp.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const secrets = {RESTIC_PASSWORD: `rEsTiC "pw' 4711`, EMAIL_SMTP_PASS: 'sMtP-4711', DB_PASSWORD: 'dB-pw-4711'};
const needles = ['rEsTiC', 'sMtP-4711', 'dB-pw-4711', 'tOkEn-4711'];
const login = {user: 'alerts@example.org', password: secrets.EMAIL_SMTP_PASS};

let stack: Stack;
let certificates: Certificates;
let smtp: SmtpServer;
let hook: HttpSink;
let monitor: HttpSink;
let offsite: string;
/** Everything that was ever said or sent. */
const told: string[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
  smtp = await startSmtpServer({certificates, login});
  hook = await startHttpSink();
  monitor = await startHttpSink();
  stack = await startStack(useBench(), {heartbeat: false, dbPassword: secrets.DB_PASSWORD});
  await makeCheapRepository(stack, {password: secrets.RESTIC_PASSWORD});
  await stack.psql(`create table texts (t text); alter table texts alter t set storage external; insert into texts values (repeat('x', 10000))`);
  writeFileSync(join(stack.uploadsPath, 'noise'), randomBytes(3_000_000));
  offsite = join(stack.scratch, 'offsite');
  await stack.writeConfig({
    ...secrets,
    EMAIL_SMTP_HOST: '127.0.0.1', EMAIL_SMTP_PORT: String(smtp.port), EMAIL_SMTP_USER: login.user, ALERT_EMAIL: 'operator@example.org',
    ALERT_WEBHOOK_URL: `${hook.url}/tOkEn-4711`, HEARTBEAT_URL: `${monitor.url}/tOkEn-4711`,
  });
});
afterAll(async () => {
  await stack?.stop();
  await smtp?.close();
  await hook?.close();
  await monitor?.close();
  await certificates?.remove();
});

beforeEach(() => {
  smtp.take();
  hook.take();
  monitor.take();
});
afterEach(() => {
  for (const name of ['alerts.log', 'state/alerts.json', 'state/runs.json']) {
    const path = join(stack.home, name);
    if (existsSync(path)) told.push(readFileSync(path, 'utf8'));
  }
  expect(needles.filter((needle) => told.some((text) => text.includes(needle)))).toEqual([]);
});

async function run(args: string[], env: Record<string, string> = {}): Promise<TimetilesResult> {
  const result = await timetiles(args, {stack, env: {NODE_EXTRA_CA_CERTS: certificates.authority, ...env}});
  told.push(result.stdout, result.stderr);
  return result;
}

/** Runs a command that must end so, and tells which mails it has sent, as state and subject. */
async function mailsOf(args: string[], exitCode: number, env: Record<string, string> = {}): Promise<ReceivedMail[]> {
  expectExit(await run(args, env), exitCode);
  const mails = smtp.take();
  told.push(...mails.flatMap(({subject, text, raw}) => [subject, text, raw]));
  // The webhook says the same, mail for mail.
  const posts = hook.take();
  told.push(...posts.map(({body}) => body));
  expect(posts.map(({body}) => JSON.parse(body).text.split('\n')[0])).toEqual(mails.map(({subject}) => subject));
  return mails;
}

/** The subjects of such mails, without what they all begin with. */
async function subjectsOf(args: string[], exitCode: number, env: Record<string, string> = {}): Promise<string[]> {
  return (await mailsOf(args, exitCode, env)).map(({subject}) => subject.replace(/^timetiles on \S+: /, ''));
}

/** What the monitor was told since the last time: start, success, fail. */
function beats(): string[] {
  const requests = monitor.take();
  told.push(...requests.map(({body}) => body));
  return requests.map(({path}) => path.slice('/tOkEn-4711'.length + 1) || 'success');
}

/** Makes what was told look so many days older. */
function passDays(days: number): void {
  const path = join(stack.home, 'state', 'alerts.json');
  const older = (text: string) => new Date(Date.parse(text) - days * 86_400_000).toISOString();
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, older));
}

const alertLines = () => readFileSync(join(stack.home, 'alerts.log'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));

test('a dump that fails night after night is mailed once, then as a reminder, and its end once', async () => {
  expect(await mailsOf(['backup'], 0)).toEqual([]);
  expect(beats()).toEqual(['start', 'success']);
  // The rows can still be counted; only who reads what is in them notices.
  const file = await stack.psql(`select pg_relation_filepath(reltoastrelid) from pg_class where relname = 'texts'`);
  const path = `/var/lib/postgresql/data/${file.trim()}`;
  const move = (from: string, to: string) => stack.docker(['exec', stack.postgres, 'mv', from, to]);
  // Restarted, the server has to read from the file.
  await stack.psql('checkpoint');
  await stack.docker(['restart', '--time', '2', stack.postgres]);
  await stack.waitHealthy();
  await move(path, `${path}.away`);

  const [first, ...more] = await mailsOf(['backup'], 1);
  expect([first, more]).toMatchObject([{
    secure: true, user: login.user, to: ['operator@example.org'],
    subject: expect.stringMatching(/^timetiles on \S+: pg_dump .*could not open file/),
    text: expect.stringMatching(/Command: timetiles backup\n[^]*Cause: {3}pg_dump [^]*Next: {4}Nothing was stored\.[^]*The last lines of the log:\n {2}backing up db: database/),
  }, []]);
  expect([beats(), monitor.requests]).toEqual([['start', 'fail'], []]);

  passDays(1);
  expect(await subjectsOf(['backup'], 1)).toEqual([]);
  passDays(2);
  expect(await subjectsOf(['backup'], 1)).toEqual([expect.stringMatching(/^still failing since \S+ \S+ UTC, 3 times: pg_dump/)]);

  await move(`${path}.away`, path);
  expect(await subjectsOf(['backup'], 0)).toEqual([expect.stringMatching(/^recovered: pg_dump/)]);
  expect(await subjectsOf(['backup'], 0)).toEqual([]);
  const states = alertLines().map(({key, state}) => `${key} ${state}`);
  expect(states).toEqual(['backup failed', 'backup failed', 'backup failed', 'backup recovered']);
});

test('a full disk is mailed once, and its end', () =>
  withSmallDisk(2, async (disk) => {
    const env = {RESTIC_REPOSITORY: join(disk.path, 'repository'), BACKUP_MIN_FREE_GB: '0'};
    expect(await subjectsOf(['backup', 'uploads'], 1, env)).toEqual([`the disk of the repository ${env.RESTIC_REPOSITORY} is full`]);
    expect(await subjectsOf(['backup', 'uploads'], 1, env)).toEqual([]);
    await execa('mount', ['-o', 'remount,size=100m', disk.path]);
    expect(await subjectsOf(['backup', 'uploads'], 0, env)).toEqual([`recovered: the disk of the repository ${env.RESTIC_REPOSITORY} is full`]);
  }));

test('damage is mailed once, and is only over when all has been read again', async () => {
  const data = join(stack.repository, 'data');
  const names = (await readdir(data, {recursive: true})).filter((name) => name.length > 60).map((name) => join(data, name));
  const sizes = await Promise.all(names.map(async (name) => ({name, size: (await stat(name)).size})));
  const pack = sizes.toSorted((a, b) => b.size - a.size)[0]?.name ?? '';
  const content = readFileSync(pack);
  const damaged = Buffer.from(content);
  damaged[100_000] = (damaged[100_000] ?? 0) ^ 4;
  const replace = (bytes: Buffer) => {
    rmSync(pack);
    writeFileSync(pack, bytes);
  };
  replace(damaged);
  const [mail, ...more] = await mailsOf(['backup', 'verify', '--read-data'], 1);
  expect([mail, more]).toMatchObject([{subject: expect.stringContaining(`the repository ${stack.repository} is damaged: `), text: expect.stringMatching(/Next: .*restic/)}, []]);
  expect(await subjectsOf(['backup', 'verify', '--read-data'], 1)).toEqual([]);
  expect(await subjectsOf(['restore', 'latest', '--only', 'uploads', '--no-safety-backup', '--yes'], 1)).toEqual([expect.stringMatching(/^restoring snapshot .* failed/)]);

  replace(content);
  expect(await subjectsOf(['backup', 'verify'], 0)).toEqual([]);
  expect(await subjectsOf(['backup', 'verify', '--read-data'], 0)).toEqual([expect.stringMatching(/^recovered: the repository .* is damaged/)]);
  expect(await subjectsOf(['restore', 'latest', '--only', 'uploads', '--no-safety-backup', '--yes'], 0)).toEqual([expect.stringMatching(/^recovered: /)]);
  expect(beats()).toEqual([]);
});

describe('an offsite copy that is down', () => {
  const args = ['backup', 'db', '--offsite'];
  const env = () => ({RESTIC_OFFSITE_REPOSITORY: offsite});

  /** Makes the newest set there look so old. */
  async function setCopiedDaysAgo(days: number): Promise<void> {
    const directory = join(stack.home, 'state');
    const name = (await readdir(directory, {recursive: true})).find((path) => path.endsWith('/state.json')) ?? '';
    const path = join(directory, name);
    const state = JSON.parse(readFileSync(path, 'utf8'));
    const time = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
    writeFileSync(path, JSON.stringify({...state, newest: {...state.newest, set: `${time}Z-0000`}}));
  }

  test('for three nights is mailed once, and its end', async () => {
    expect(await subjectsOf(args, 0, env())).toEqual([]);
    await rename(offsite, `${offsite}.away`);
    await setCopiedDaysAgo(1);
    expect(await subjectsOf(args, 0, env())).toEqual([]);
    await setCopiedDaysAgo(2);
    expect(await subjectsOf(args, 0, env())).toEqual([expect.stringMatching(/^the newest set offsite is .*, made 2 days ago; the last copy failed: /)]);
    await setCopiedDaysAgo(3);
    passDays(1);
    expect(await subjectsOf(args, 0, env())).toEqual([]);
    await rename(`${offsite}.away`, offsite);
    expect(await subjectsOf(args, 0, env())).toEqual([expect.stringMatching(/^recovered: the newest set offsite is /)]);
  });

  test('changes nothing when the alert cannot be sent either, and is told when it can', async () => {
    await setCopiedDaysAgo(3);
    hook.answer(500);
    monitor.answer(500);
    try {
      const result = await run(['backup', 'db'], {...env(), EMAIL_SMTP_PORT: String(await freePort())});
      expectExit(result, 0);
      for (const cause of [/warning: alert by mail: .*ECONNREFUSED/, /warning: alert by webhook: ALERT_WEBHOOK_URL: the service answered 500/, /warning: alert by heartbeat: HEARTBEAT_URL/]) expect(result.stderr).toMatch(cause);
      expect(alertLines().slice(-5).map(({key}) => key)).toEqual(['channel:heartbeat', 'channel:heartbeat', 'offsite-lag', 'channel:mail', 'channel:webhook']);
    } finally {
      hook.answer(200);
      monitor.answer(200);
      hook.take();
    }
    expect(await subjectsOf(['backup', 'db'], 0, env())).toEqual([expect.stringMatching(/^the newest set offsite is /)]);
    expect(await subjectsOf(args, 0, env())).toEqual([expect.stringMatching(/^recovered: /)]);
  });
});

test('a nightly entry that has gone from the crontab is mailed once, and that it is back', async () => {
  const cron = await startCron(stack);
  const env = {PATH: `${cron.path}:${dirname(stack.bench.restic.newest)}:${process.env['PATH'] ?? ''}`};
  try {
    expectExit(await run(['backup', 'auto'], env), 0);
    expect(await subjectsOf(['backup', 'db'], 0, env)).toEqual([]);
    await cron.remove();
    expect(await subjectsOf(['backup', 'db'], 0, env)).toEqual([expect.stringMatching(/^the nightly entry has gone from the crontab of root/)]);
    const status = await run(['backup', 'status'], env);
    expect([status.exitCode, status.stdout]).toEqual([1, expect.stringContaining('GONE from the crontab')]);
    expectExit(await run(['backup', 'auto'], env), 0);
    // The hourly look finds a fresh set, and tells all the same.
    expect(await subjectsOf(['backup', '--if-older-than', '5h'], 0, env)).toEqual([expect.stringMatching(/^recovered: the nightly entry has gone/)]);
    expectExit(await run(['backup', 'auto', '--disable'], env), 0);
    expect(await subjectsOf(['backup', 'db'], 0, env)).toEqual([]);
  } finally {
    await cron.stop();
  }
});

test('a set that has much less than those before it is mailed, and that somebody has accepted it', async () => {
  writeFileSync(join(stack.uploadsPath, 'small'), 'all that is left');
  rmSync(join(stack.uploadsPath, 'noise'));
  expect(await subjectsOf(['backup', 'uploads'], 0)).toEqual([expect.stringMatching(/^set \S+ has much less than those before it: uploads: bytes fell from /)]);
  expect(await subjectsOf(['backup', 'uploads', '--accept-smaller'], 0)).toEqual([expect.stringMatching(/^recovered: set \S+ has much less/)]);
});

describe('no mail is sent', () => {
  test('when another run holds the lock, and the monitor is told of no failure', async () => {
    const holder = execa('flock', ['--no-fork', join(stack.repository, 'timetiles.lock'), 'sleep', '60'], {reject: false});
    try {
      await sleep(300);
      expect(await subjectsOf(['backup'], 4)).toEqual([]);
      expect(beats()).toEqual(['start']);
    } finally {
      holder.kill('SIGKILL');
      await holder;
    }
  });

  test('for a plan, an inspection, a list, or a set that does not exist', async () => {
    const none = {BACKUP_KEEP_LAST: '0', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'};
    expect(await subjectsOf(['backup', 'prune', '--dry-run'], 2, none)).toEqual([]);
    expect(await subjectsOf(['restore', 'nothing', '--yes'], 1)).toEqual([]);
    expect(await subjectsOf(['restore', 'latest', '--path', 'nothing', '--target', join(stack.scratch, 'look')], 1)).toEqual([]);
    // The same mistake at night is a failure.
    expect(await subjectsOf(['backup', 'prune'], 2, none)).toEqual([expect.stringContaining('BACKUP_KEEP_LAST')]);
    expect(await subjectsOf(['backup', 'prune'], 0)).toEqual([expect.stringMatching(/^recovered: /)]);
  });

  test('after Ctrl-C, but the monitor is told', async () => {
    const running = startTimetiles(['backup'], {stack, env: {NODE_EXTRA_CA_CERTS: certificates.authority}});
    running.stdin.end();
    await waitUntil(() => running.output().stderr.includes('backing up uploads'), 20_000, 5);
    running.killGroup('SIGINT');
    expect((await running.result).exitCode).toBe(130);
    expect([smtp.take(), beats()]).toEqual([[], ['start', 'fail']]);
  });
});
