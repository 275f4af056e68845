import {describe, expect, it} from 'vitest';
import {exitCodes, interruptedError, messageOf, systemCode, TimetilesError} from '../../../src/shared/errors.ts';
import {formatAge, formatBytes, formatSeconds, plural, shellWord} from '../../../src/shared/format.ts';
import {createRedactor} from '../../../src/shared/redact.ts';
import {newSetId, timeOfSetId} from '../../../src/shared/set-id.ts';

it.each([
  [0, '0 B'], [1023, '1023 B'], [1024, '1.00 KiB'], [10_240, '10.0 KiB'], [1_572_864, '1.50 MiB'], [2 ** 40, '1.00 TiB'], [2 ** 60, '1024.0 PiB'],
])('formatBytes(%i)', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([[0, '0s'], [-3, '0s'], [59.4, '59s'], [59.6, '1m 00s'], [185, '3m 05s'], [7620, '2h 07m']])('formatSeconds(%d)', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

it.each([
  [-120, 'in the future'], [-30, 'just now'], [59, 'just now'], [60, '1 min ago'], [3599, '59 min ago'], [3600, '1 h ago'],
  [47 * 3600, '47 h ago'], [48 * 3600, '2 days ago'], [400 * 86_400, '400 days ago'],
])('formatAge of %d seconds', (seconds, text) => {
  const now = new Date('2026-11-21T00:00:00Z');
  expect(formatAge(new Date(now.getTime() - seconds * 1000), now)).toBe(text);
});

it('counts with nouns', () => {
  expect([0, 1, 2].map((count) => plural(count, 'file'))).toEqual(['0 files', '1 file', '2 files']);
});

it.each([
  ['/srv/backups/restic-repo', '/srv/backups/restic-repo'], ['/my repo', "'/my repo'"], ["it's", `'it'\\''s'`], ['$HOME', `'$HOME'`], ['', "''"], ['a;rm', `'a;rm'`],
])('shellWord(%j)', (text, word) => {
  expect(shellWord(text)).toBe(word);
});

describe('createRedactor', () => {
  it.each([
    ['the plain value', 'pass w"ord', 'x pass w"ord y', 'x *** y'],
    ['every time', 'word', 'word, word', '***, ***'],
    ['its form in a URL', 'p@ss/w?', 'https://u:p%40ss%2Fw%3F@h', 'https://u:***@h'],
    ['its form in JSON', 'a"b\\c\n', '{"x":"a\\"b\\\\c\\n"}', '{"x":"***"}'],
    ['what looks like a pattern', 'a.*(b', 'a.*(b axxb', '*** axxb'],
    ['not what is too short to be one', 'abc', 'abc', 'abc'],
  ])('blanks %s', (_, secret, text, result) => {
    expect(createRedactor([secret])(text)).toBe(result);
  });

  it('blanks the longer one of two that overlap', () => {
    expect(createRedactor(['secret', 'secret-and-more', undefined])('secret-and-more secret')).toBe('*** ***');
  });
});

describe('set ids', () => {
  it('tell their time, sort by it, and differ', () => {
    const id = newSetId(new Date('2026-11-21T02:03:04.567Z'));
    expect(id).toMatch(/^20261121T020304Z-[0-9a-f]{4}$/);
    expect(timeOfSetId(id)).toEqual(new Date('2026-11-21T02:03:04Z'));
    expect(newSetId(new Date('2026-12-01T00:00:00Z')) > id).toBe(true);
    expect(new Set(Array.from({length: 20}, () => newSetId(new Date(0)))).size).toBeGreaterThan(10);
  });

  it.each(['latest', '20261121T020304Z', '20261121T020304Z-XYZW', ''])('%j is none', (text) => {
    expect(timeOfSetId(text)).toBeUndefined();
  });
});

describe('errors', () => {
  it.each([
    ['configuration', exitCodes.usage], ['usage', exitCodes.usage], ['locked', exitCodes.locked], ['repository-locked', exitCodes.locked],
    ['interrupted', exitCodes.interrupted], ['dump', exitCodes.failed], ['not-found', exitCodes.failed], ['unexpected', exitCodes.failed],
  ] as const)('%s exits with %i', (kind, code) => {
    expect(new TimetilesError(kind, 'm', 'n').exitCode).toBe(code);
  });

  it('an interruption names the signal', () => {
    expect(interruptedError('SIGTERM')).toMatchObject({kind: 'interrupted', message: 'interrupted by SIGTERM'});
  });

  it('anything thrown has a message of one line and perhaps a code', () => {
    expect(messageOf(new Error('a\n  b\n'))).toBe('a b');
    expect(messageOf('text')).toBe('text');
    expect(systemCode(Object.assign(new Error('x'), {code: 'ENOSPC'}))).toBe('ENOSPC');
    expect([undefined, null, 'x', {code: 5}, {}].map(systemCode)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });
});
