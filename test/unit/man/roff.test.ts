import {describe, expect, it} from 'vitest';
import {entry, escape, page, paragraphs, section} from '../../../src/man/roff.ts';

describe('escape', () => {
  it.each([
    ['--only', String.raw`\-\-only`],
    [String.raw`a\nb`, String.raw`a\(rsnb`],
    ['.env', String.raw`\&.env`],
    ['a.b', 'a.b'],
    ["'x' `y` \"z\"", String.raw`\(aqx\(aq \(gay\(ga \(dqz\(dq`],
    ['^~', String.raw`\(ha\(ti`],
    ['KEY=…', String.raw`KEY=\[u2026]`],
    ['😀', String.raw`\[u1F600]`],
    ['one\n.two', 'one\n\\&.two'],
  ])('%j', (text, expected) => {
    expect(escape(text)).toBe(expected);
  });
});

it('a page has its title first, and no gap below a heading', () => {
  const text = page({name: 'tool', section: 1, date: '2026-11-21', version: '1.0.0-rc'}, [section('See "also"', paragraphs('one\ntwo\n\n\nthree'))]);
  expect(text).toBe(['.TH "TOOL" "1" "2026-11-21" "timetiles 1.0.0\\-rc"', '.nh', '.ad l', '.SH "SEE \\(dqALSO\\(dq"', 'one two', '.PP', 'three', ''].join('\n'));
});

it('an entry may have several tags', () => {
  expect(entry(['a', 'b'], ['text'])).toEqual(['.TP', 'a', '.TQ', 'b', 'text']);
});
