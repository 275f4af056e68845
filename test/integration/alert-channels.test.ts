import {once} from 'node:events';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {makeCertificates, type Certificates} from '../support/certificates.ts';
import {timetiles} from '../support/cli.ts';
import {dotenvText} from '../support/dotenv.ts';
import {startHttpSink, type HttpSink} from '../support/http-sink.ts';
import {freePort} from '../support/ports.ts';
import {refusedRecipient, startSmtpServer, type SmtpServer} from '../support/smtp.ts';

// `alert test` needs neither stack nor repository: what is tried here is the way out.
const login = {user: 'alerts@example.org', password: 'sMtP "pw" 4711'};
const token = 'tOkEn-4711';

let home: string;
let certificates: Certificates;
let smtp: SmtpServer;
let sink: HttpSink;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'timetiles-alerts-'));
  certificates = await makeCertificates();
  smtp = await startSmtpServer({certificates, login});
  sink = await startHttpSink();
});
afterAll(async () => {
  await smtp?.close();
  await sink?.close();
  await certificates?.remove();
  rmSync(home, {recursive: true, force: true});
});

const mailTo = (port: number, more: Record<string, string> = {}) => ({
  EMAIL_SMTP_HOST: '127.0.0.1', EMAIL_SMTP_PORT: String(port), EMAIL_SMTP_USER: login.user, EMAIL_SMTP_PASS: login.password,
  EMAIL_FROM: 'timetiles <alerts@example.org>', ALERT_EMAIL: 'one@example.org, two@example.org', ...more,
});

/** Runs `alert test` with such a configuration; no word of it may hold a secret. */
async function alertTest(config: Record<string, string>, {trusts = true, args = ['--json']} = {}) {
  writeFileSync(join(home, 'bootstrap.conf'), dotenvText({RESTIC_PASSWORD: 'rEsTiC-4711', ...config}), {mode: 0o600});
  const env = {TIMETILES_HOME: home, ...(trusts && {NODE_EXTRA_CA_CERTS: certificates.authority})};
  const result = await timetiles(['alert', 'test', ...args], {env});
  const said = result.stdout + result.stderr + readFileSync(join(home, 'alerts.log'), 'utf8');
  for (const secret of [login.password, JSON.stringify(login.password).slice(1, -1), token, 'rEsTiC-4711']) expect(said).not.toContain(secret);
  const channel = (name: string) => result.json().channels.find((each: {channel: string}) => each.channel === name);
  return {...result, channel};
}

describe('alert test', () => {
  test('reaches everybody, through every channel', async () => {
    const result = await alertTest({...mailTo(smtp.port), ALERT_WEBHOOK_URL: `${sink.url}/hooks/${token}`, HEARTBEAT_URL: `${sink.url}/ping/${token}?create=1`});
    expect([result.exitCode, result.json()]).toEqual([0, {
      state: 'ok',
      channels: [
        {channel: 'alerts.log', state: 'sent', message: join(home, 'alerts.log')},
        {channel: 'mail', state: 'sent', message: 'one@example.org, two@example.org by 127.0.0.1'},
        {channel: 'webhook', state: 'sent', message: 'the address in ALERT_WEBHOOK_URL'},
        {channel: 'heartbeat', state: 'sent', message: 'start and success to the address in HEARTBEAT_URL'},
      ],
    }]);
    expect(smtp.take()).toMatchObject([{
      from: 'alerts@example.org', to: ['one@example.org', 'two@example.org'], secure: true, user: login.user,
      subject: expect.stringContaining('a test of the alerts'), text: expect.stringContaining('Command: timetiles alert test'),
    }]);
    const requests = sink.take();
    expect(requests.map(({path}) => path).toSorted()).toEqual([`/hooks/${token}`, `/ping/${token}/start?create=1`, `/ping/${token}?create=1`]);
    const hook = requests.find(({path}) => path.startsWith('/hooks'));
    expect([hook?.method, hook?.headers['content-type'], JSON.parse(hook?.body ?? '')]).toMatchObject(['POST', 'application/json', {state: 'test', command: 'timetiles alert test'}]);
  });

  test('speaks TLS from the beginning, STARTTLS, or neither where nothing secret is sent', async () => {
    const implicit = await startSmtpServer({certificates, login, implicitTls: true, port: 465});
    const plain = await startSmtpServer();
    const homeMade = await startSmtpServer({certificates});
    const noLogin = {EMAIL_SMTP_USER: '', EMAIL_SMTP_PASS: '', ALERT_EMAIL: 'one@example.org two@example.org', EMAIL_FROM: ''};
    try {
      expect(await alertTest(mailTo(implicit.port))).toMatchObject({exitCode: 0});
      expect(implicit.take()).toMatchObject([{secure: true, user: login.user}]);
      expect(await alertTest(mailTo(plain.port, noLogin))).toMatchObject({exitCode: 0});
      expect(plain.take()).toMatchObject([{secure: false, from: expect.stringMatching(/^timetiles@/), to: ['one@example.org', 'two@example.org']}]);
      // As of a relay in the house, whose certificate nobody has signed.
      expect(await alertTest(mailTo(homeMade.port, noLogin), {trusts: false})).toMatchObject({exitCode: 0});
      expect(homeMade.take()).toMatchObject([{secure: true}]);
    } finally {
      await Promise.all([implicit.close(), plain.close(), homeMade.close()]);
    }
  });

  test.each<[string, () => Promise<Record<string, string>>, RegExp, RegExp]>([
    ['refuses the login', async () => mailTo(smtp.port, {EMAIL_SMTP_PASS: 'wrong-4711'}), /refused the login .*535/, /EMAIL_SMTP_USER and EMAIL_SMTP_PASS/],
    ['is not there', async () => mailTo(await freePort()), /cannot be reached .*ECONNREFUSED/, /EMAIL_SMTP_HOST and EMAIL_SMTP_PORT/],
    ['has no such mailbox', async () => mailTo(smtp.port, {ALERT_EMAIL: refusedRecipient}), /refused sender or recipient .*550/, /ALERT_EMAIL/],
  ])('says what to correct when the mail server %s', async (_, config, message, remedy) => {
    const {exitCode, channel} = await alertTest(await config());
    expect([exitCode, channel('mail')]).toEqual([1, {channel: 'mail', state: 'failed', message: expect.stringMatching(message), remedy: expect.stringMatching(remedy)}]);
    expect(smtp.take()).toEqual([]);
  });

  test('says so when some of the recipients are refused', async () => {
    const {exitCode, channel} = await alertTest(mailTo(smtp.port, {ALERT_EMAIL: `one@example.org,${refusedRecipient}`}));
    expect([exitCode, channel('mail')]).toMatchObject([1, {state: 'sent', message: expect.stringContaining(`refused ${refusedRecipient}`), remedy: 'Correct ALERT_EMAIL.'}]);
    expect(smtp.take()).toMatchObject([{to: ['one@example.org']}]);
  });

  test('sends no password to a server without TLS, nor to one that nobody vouches for', async () => {
    const plain = await startSmtpServer({login});
    smtp.logins.splice(0);
    try {
      const bare = await alertTest(mailTo(plain.port));
      expect([bare.exitCode, bare.channel('mail')]).toMatchObject([1, {state: 'failed', message: expect.stringContaining('does not offer STARTTLS')}]);
      const unknown = await alertTest(mailTo(smtp.port), {trusts: false});
      expect([unknown.exitCode, unknown.channel('mail')]).toMatchObject([1, {message: expect.stringContaining('is not trusted'), remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS')}]);
      expect([plain.logins, smtp.logins, plain.mails, smtp.mails]).toEqual([[], [], [], []]);
    } finally {
      await plain.close();
    }
  });

  test.each([
    [500, 2, /^ALERT_WEBHOOK_URL: the service answered 500$/, /^HEARTBEAT_URL: the service answered 500$/],
    [301, 2, /answered 301$/, /answered 301$/],
  ])('says which address answers %d, and shows none', async (status, hooks, webhook, heartbeat) => {
    sink.answer(status);
    try {
      const {exitCode, channel} = await alertTest({ALERT_WEBHOOK_URL: `${sink.url}/hooks/${token}`, HEARTBEAT_URL: `${sink.url.replace('//', `//me:${token}@`)}/ping`});
      expect([exitCode, channel('webhook').message, channel('heartbeat').message]).toEqual([1, expect.stringMatching(webhook), expect.stringMatching(heartbeat)]);
      const requests = sink.take();
      expect(requests.filter(({path}) => path.startsWith('/hooks'))).toHaveLength(hooks);
      expect(requests.find(({path}) => path === '/ping/start')?.headers['authorization']).toBe(`Basic ${Buffer.from(`me:${token}`).toString('base64')}`);
    } finally {
      sink.answer(200);
    }
  });

  test('without any channel says that alerts are only written', async () => {
    const {exitCode, stdout} = await alertTest({EMAIL_SMTP_HOST: '127.0.0.1'}, {args: []});
    expect([exitCode, stdout]).toEqual([0, expect.stringMatching(/mail +not configured +ALERT_EMAIL is not set[^]*only written to alerts\.log/)]);
    expect(readFileSync(join(home, 'alerts.log'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line)).at(-1)).toMatchObject({state: 'test', kind: 'test'});
  });

  test('ends in time when nobody answers', async () => {
    const port = await freePort();
    // It takes connections and says nothing.
    const silent = createServer().listen(port, '127.0.0.1');
    await once(silent, 'listening');
    sink.answer('never');
    const begin = Date.now();
    try {
      const {exitCode, channel} = await alertTest({...mailTo(port), HEARTBEAT_URL: `${sink.url}/ping`});
      expect([exitCode, channel('mail').message, channel('heartbeat').message]).toEqual([1, expect.stringContaining('does not answer'), 'HEARTBEAT_URL: no answer within 10 seconds']);
      expect(Date.now() - begin).toBeLessThan(16_000);
    } finally {
      sink.answer(200);
      silent.close();
    }
  });
});
