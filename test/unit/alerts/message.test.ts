import {describe, expect, it} from 'vitest';
import {heartbeatUrl} from '../../../src/alerts/heartbeat.ts';
import {explainMailFailure} from '../../../src/alerts/mail-failure.ts';
import {recipientsOf, smtpOptions, type MailSettings} from '../../../src/alerts/mail.ts';
import {mailSubject, mailText, redactMessage, webhookBody, type AlertMessage} from '../../../src/alerts/message.ts';
import {createRedactor} from '../../../src/shared/redact.ts';
import {problem} from '../support.ts';

const failed: AlertMessage = {
  state: 'failed', host: 'web1', project: 'shop', command: 'timetiles backup', key: 'backup', kind: 'dump',
  message: 'pg_dump in shop-postgres-1 failed: exit code 1', next: 'Nothing was stored. Look at docker logs shop-postgres-1',
  time: new Date('2026-11-21T02:00:13Z'), since: new Date('2026-11-18T02:00:09Z'), count: 4,
  lines: ['backing up db: database app', 'warning: something'],
};

describe('a mail', () => {
  it('says host, command, cause, next step and the last lines', () => {
    expect(mailSubject(failed)).toBe('timetiles on web1: pg_dump in shop-postgres-1 failed: exit code 1');
    expect(mailText(failed)).toBe(
      [
        'Something failed and needs you.',
        '',
        'Host:    web1 (project shop)',
        'Command: timetiles backup',
        'Time:    2026-11-21 02:00 UTC',
        'Cause:   pg_dump in shop-postgres-1 failed: exit code 1',
        'Next:    Nothing was stored. Look at docker logs shop-postgres-1',
        '',
        'The last lines of the log:',
        '  backing up db: database app',
        '  warning: something',
        '',
        'While it lasts you are reminded every three days; when it is over you are told once.',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['still failing', 'timetiles on web1: still failing since 2026-11-18 02:00 UTC, 4 times: pg_dump', 'Something fails since 2026-11-18 02:00 UTC, 4 times by now'],
    ['recovered', 'timetiles on web1: recovered: pg_dump', 'What failed since 2026-11-18 02:00 UTC (4 times) works again.'],
    ['test', 'timetiles on web1: pg_dump', 'This is a test: alerts reach you.'],
  ] as const)('about what is %s says so', (state, subject, text) => {
    expect(mailSubject({...failed, state})).toContain(subject);
    expect(mailText({...failed, state})).toContain(text);
  });

  it('has a subject of one line, whatever is in the message', () => {
    const subject = mailSubject({...failed, message: `a\r\nBcc: thief@example.org\u2028b\u0000c${'x'.repeat(500)}`});
    expect(subject).toMatch(/^timetiles on web1: a Bcc: thief@example\.org b cx+…$/);
    expect(subject).toHaveLength(160);
  });
});

describe('no message holds a secret', () => {
  it('wherever it was', () => {
    const secret = 'se"cret';
    const leaky = {...failed, message: `m ${secret}`, next: `n ${secret}`, command: `c ${secret}`, lines: [`l ${encodeURIComponent(secret)}`]};
    const safe = redactMessage(leaky, createRedactor([secret]));
    const told = [mailSubject(safe), mailText(safe), JSON.stringify(webhookBody(safe))].join('\n');
    expect(told).not.toMatch(/se(\\?"|%22)cret/);
    expect(told.match(/\*\*\*/g)?.length).toBeGreaterThanOrEqual(8);
  });
});

it('a webhook gets facts, and a text for chats', () => {
  expect(webhookBody(failed)).toEqual({
    text: `${mailSubject(failed)}\n${failed.next}`, state: 'failed', host: 'web1', project: 'shop', command: 'timetiles backup', key: 'backup', kind: 'dump',
    message: failed.message, next: failed.next, count: 4, time: '2026-11-21T02:00:13.000Z', since: '2026-11-18T02:00:09.000Z', log: failed.lines,
  });
});

it.each([
  ['https://hc-ping.com/id', 'https://hc-ping.com/id/start', 'https://hc-ping.com/id', 'https://hc-ping.com/id/fail'],
  ['https://hc-ping.com/id/', 'https://hc-ping.com/id/start', 'https://hc-ping.com/id/', 'https://hc-ping.com/id/fail'],
  ['https://example.org/ping/id?create=1', 'https://example.org/ping/id/start?create=1', 'https://example.org/ping/id?create=1', 'https://example.org/ping/id/fail?create=1'],
])('a heartbeat goes to %s and what belongs to it', (address, start, success, fail) => {
  expect([heartbeatUrl(address, 'start'), heartbeatUrl(address, 'success'), heartbeatUrl(address, 'fail')]).toEqual([start, success, fail]);
});

it.each([
  ['a@example.org', ['a@example.org']],
  ['a@example.org, b@example.org,c@example.org', ['a@example.org', 'b@example.org', 'c@example.org']],
  [' a@example.org  b@example.org\t', ['a@example.org', 'b@example.org']],
  ['Night Watch <a@example.org>, b@example.org', ['Night Watch <a@example.org>', 'b@example.org']],
  ['', []],
])('ALERT_EMAIL %j means %j', (text, expected) => {
  expect(recipientsOf(text)).toEqual(expected);
});

describe('a password is never sent in clear', () => {
  const base: MailSettings = {EMAIL_SMTP_HOST: 'mail.example.org', EMAIL_SMTP_PORT: 25, EMAIL_SMTP_USER: undefined, EMAIL_SMTP_PASS: undefined, EMAIL_FROM: undefined, ALERT_EMAIL: 'a@example.org'};
  const login = {EMAIL_SMTP_USER: 'u', EMAIL_SMTP_PASS: 'p'};

  it.each<[string, Partial<MailSettings>, object]>([
    ['port 465', {EMAIL_SMTP_PORT: 465, ...login}, {secure: true, requireTLS: false, tls: {rejectUnauthorized: true}, auth: {user: 'u', pass: 'p'}}],
    ['port 587', {EMAIL_SMTP_PORT: 587}, {secure: false, requireTLS: true, tls: {rejectUnauthorized: true}}],
    ['another port with a login', login, {secure: false, requireTLS: true, tls: {rejectUnauthorized: true}}],
    ['another port without a login', {}, {secure: false, requireTLS: false, tls: {rejectUnauthorized: false}}],
  ])('%s', (_, settings, expected) => {
    expect(smtpOptions({...base, ...settings})).toMatchObject(expected);
  });
});

describe('what a mail server refuses is explained', () => {
  const place = {EMAIL_SMTP_HOST: 'mail.example.org', EMAIL_SMTP_PORT: 587};
  const error = (code: string, message: string, command = '') => Object.assign(new Error(message), {code, command});

  it.each([
    [error('ESOCKET', 'connect ECONNREFUSED 127.0.0.1:587'), 'mail.example.org:587 cannot be reached', 'EMAIL_SMTP_HOST and EMAIL_SMTP_PORT'],
    [error('EDNS', 'getaddrinfo ENOTFOUND mail.example.org'), 'is not known', 'EMAIL_SMTP_HOST'],
    [error('EAUTH', 'Invalid login: 535 authentication failed'), 'refused the login (Invalid login: 535', 'EMAIL_SMTP_USER and EMAIL_SMTP_PASS'],
    [error('EENVELOPE', "Can't send mail - all recipients were rejected: 550 no such mailbox"), 'refused sender or recipient', 'ALERT_EMAIL'],
    [error('ETLS', 'Error upgrading connection with STARTTLS: 502', 'STARTTLS'), 'does not offer STARTTLS', '465'],
    [error('ESOCKET', 'self-signed certificate in certificate chain'), 'is not trusted', 'NODE_EXTRA_CA_CERTS'],
    [error('ESOCKET', 'SSL routines:ssl3_get_record:wrong version number'), 'does not speak TLS from the beginning', 'EMAIL_SMTP_PORT to 587'],
    [error('ETIMEDOUT', 'Connection timeout'), 'does not answer', 'firewall'],
    [error('EMESSAGE', 'Message failed: 554 spam'), 'Message failed: 554 spam', 'log of the mail server'],
  ])('%s', (thrown, message, next) => {
    expect(explainMailFailure(thrown, place)).toMatchObject(problem('alert', message, new RegExp(next)));
  });

  it('names the limit when that has ended it', () => {
    expect(explainMailFailure(error('ABORT_ERR', 'aborted'), place, 30)).toMatchObject(problem('alert', 'longer than 30 seconds'));
  });
});
