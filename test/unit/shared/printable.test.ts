import {execFileSync} from 'node:child_process';
import {expect, it} from 'vitest';
import {parseFilePattern} from '../../../src/shared/file-pattern.ts';
import {shownWord} from '../../../src/shared/format.ts';
import {displayWidth, fitWidth, printable, printableLines} from '../../../src/shared/printable.ts';

it.each([
  ['plain ü 日本 🦊', 'plain ü 日本 🦊'],
  ['\u001B[31mred\u001B]0;title\u0007', '\\x1b[31mred\\x1b]0;title\\x07'],
  ['new\nline\ttab\r', 'new\\x0aline\\x09tab\\x0d'],
  ['c1 \u009B31m del \u007F', 'c1 \\x9b31m del \\x7f'],
  ['gpj.\u202Eexe', 'gpj.\\u{202e}exe'],
  ['line\u2028paragraph\u2029 zero\u200Bwidth\uFEFF', 'line\\u{2028}paragraph\\u{2029} zero\\u{200b}width\\u{feff}'],
])('%j is shown without control characters', (name, shown) => expect(printable(name)).toBe(shown));

it('what is told on several lines keeps them', () => expect(printableLines('a\n\tb \u001B[2J\r\n')).toBe('a\n\tb \\x1b[2J\\x0d\n'));

it.each(['plain', "it's", '$HOME `id` \\ "', 'esc\u001B[31m', "new\nline's \\n", 'gpj.\u202Eexe', '-rf', 'ü\u0001日本'])('%j is one word of a shell, and shows no control character', (text) => {
  const word = shownWord(text);
  expect(printable(word)).toBe(word);
  expect(execFileSync('bash', ['-c', `printf %s ${word}`], {env: {LC_ALL: 'C.UTF-8'}, stdio: ['ignore', 'pipe', 'inherit']}).toString()).toBe(text);
});

it('a text is cut in the middle to the columns there are', () => {
  expect(displayWidth('日本ab\u0301')).toBe(6);
  expect(fitWidth('short', 5)).toBe('short');
  expect(fitWidth('a-long-name.jpg', 9)).toBe('a-lo….jpg');
  for (const columns of [5, 8, 13]) expect(displayWidth(fitWidth('日本語日本語日本語.jpg', columns))).toBeLessThanOrEqual(columns);
});

it.each([
  // pattern, path, as it is, whatever the case
  ['photo', '/2026/my-photo.jpg', true, true],
  ['Photo', '/2026/my-photo.jpg', false, true],
  ['2026', '/2026/my-photo.jpg', false, false],
  ['2026/my', '/2026/my-photo.jpg', true, true],
  ['26/', '/2026', true, true],
  ['*.jpg', '/a/b.jpg', true, true],
  ['*.jpg', '/a.jpg/b', false, false],
  ['a/*.jpg', '/x/a/b.jpg', true, true],
  ['a/*.jpg', '/x/za/b.jpg', false, false],
  ['?.jpg', '/bb.jpg', false, false],
  ['[ab].jpg', '/b.jpg', true, true],
  ['[!ab].jpg', '/b.jpg', false, false],
  ['[b-a].jpg', '/[b-a].jpg', true, true],
  ['f[oo', '/x-f[oo-x', true, true],
  ['a\\*b', '/xa*bx', true, true],
  ['a\\*b', '/xaXbx', false, false],
  ['*', '/anything\nat all', true, true],
  ['(a+)^$|{1}', '/x(a+)^$|{1}', true, true],
  ['ÜBER', '/über', false, true],
])('%j and %j: %j, %j', (pattern, path, exactly, loosely) => {
  const parsed = parseFilePattern(pattern);
  expect([parsed.matches(path, false), parsed.matches(path, true)]).toEqual([exactly, loosely]);
});

it('what restic is asked finds at least as much', () => {
  expect(parseFilePattern('a[b').restic).toBe('*a\\[b*');
  expect(parseFilePattern('[!a]*.jpg').restic).toBe('?*.jpg');
  expect(parseFilePattern('no utf8 \uFFFD').restic).toBe('*no utf8 ?*');
});
