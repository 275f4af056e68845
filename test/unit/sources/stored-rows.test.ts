import {describe, expect, it} from 'vitest';
import {createRowCounter} from '../../../src/sources/postgres/stored-rows.ts';

const dump = Buffer.from(`--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS $$
COPY public.trap (a) FROM stdin;
1
\\.
$$;
COPY public.a (id, x) FROM stdin;
1\tone
2\ttwo\\nlines
3\t\\\\.
\\.


COPY public.nothing (id) FROM stdin;
\\.


COPY public.none  FROM stdin;


\\.


COPY "Ä ""s""."."b;c" ("FROM stdin;") FROM stdin;
1
\\.


SELECT pg_catalog.setval('public.s', 1, true);
`);

function count(pieces: readonly Buffer[]): (schema: string, table: string) => number {
  const counter = createRowCounter();
  for (const piece of pieces) counter.push(piece);
  const rows = counter.end();
  return (schema, table) => rows(Buffer.from(`"${schema.replaceAll('"', '""')}"."${table}"`));
}

describe('createRowCounter', () => {
  it.each([1, 7, 64, 4096])('counts the rows of each table in pieces of %d bytes', (size) => {
    const rows = count(Array.from({length: Math.ceil(dump.length / size)}, (_, index) => dump.subarray(index * size, (index + 1) * size)));
    expect([rows('public', 'a'), rows('public', 'nothing'), rows('public', 'none'), rows('Ä "s".', 'b;c')]).toEqual([3, 0, 2, 1]);
  });

  it('takes no text in a function for rows, and knows nothing of tables that are not there', () => {
    const rows = count([dump]);
    expect([rows('public', 'trap'), rows('public', 'other')]).toEqual([0, 0]);
  });

  it('knows names in the encoding of the dump', () => {
    const counter = createRowCounter();
    counter.push(Buffer.from('COPY public."\xe4" (id) FROM stdin;\n1\n\\.\n', 'latin1'));
    expect(counter.end()(Buffer.from('"public"."\xe4"', 'latin1'))).toBe(1);
  });

  it('does not count half a dump', () => {
    expect(() => count([dump.subarray(0, dump.indexOf('two'))])).toThrow('the stored dump ends in the middle of a statement');
  });
});
