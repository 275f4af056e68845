import {expect, it} from 'vitest';
import {filesQueryScript, parsePathLine} from '../../../src/sources/postgres/files-query.ts';
import {problem, thrownBy} from '../support.ts';

it('the query runs in the moment of the dump, may not write, and may end as it likes', () => {
  for (const query of ['select f from m', 'select f from m;', ' select f from m ; \n']) {
    expect(filesQueryScript(query, '00000003-1')).toBe(
      "begin isolation level repeatable read, read only;\nset transaction snapshot '00000003-1';\nset local statement_timeout = '600s';\ncopy (\nselect f from m\n) to stdout;\ncommit;",
    );
  }
  expect(filesQueryScript('select f from m -- all', 'x')).toContain('-- all\n) to stdout');
});

it.each([
  ['2024/photo 1.jpg', '2024/photo 1.jpg'],
  [String.raw`a\tb\nc\\d\q`, 'a\tb\nc\\dq'],
  ['ü.jpg', 'ü.jpg'],
  [String.raw`\N`, undefined],
  [String.raw`\\N`, String.raw`\N`],
  ['', undefined],
])('reads the line %j as %j', (line, path) => {
  expect(parsePathLine(line)).toBe(path);
});

it('refuses a second column', async () => {
  expect(await thrownBy(() => parsePathLine('1\ta.jpg'))).toMatchObject(problem('database', 'several columns'));
});
