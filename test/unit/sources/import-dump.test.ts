import {describe, expect, it} from 'vitest';
import {createDumpFilter} from '../../../src/sources/postgres/import/filter.ts';
import {problem, thrownBy} from '../support.ts';

const opening = '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\n-- Dumped from database version 17.6 (Debian 17.6-1)\n-- Dumped by pg_dump version 17.6\n\nSET standard_conforming_strings = on;\n';
const closing = '\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n\n';
const dump = (body: string) => `${opening}${body}${closing}`;

/** What goes into the snapshot, with the script cut into pieces of so many bytes, each in memory that is used again. */
function filter(script: string, pieceBytes = Number.MAX_SAFE_INTEGER) {
  const bytes = Buffer.from(script);
  const made = createDumpFilter('/old.sql');
  const passed: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = Buffer.from(bytes.subarray(at, at + pieceBytes));
    passed.push(...made.push(piece).map((part) => Buffer.from(part)));
    piece.fill(0x5c);
  }
  const {rest, ...more} = made.end();
  return {text: Buffer.concat([...passed, ...rest]).toString(), ...more};
}

/** Everything that a naive reader of lines would stumble over. */
const difficult = dump(String.raw`CREATE TABLE public."a;b" (c text DEFAULT 'it''s; \connect x');
COMMENT ON TABLE public."a;b" IS 'DROP DATABASE live; -- no comment
\connect elsewhere
';
COMMENT ON COLUMN public."a;b".c IS E'it\'s \\'' \connect x';
CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $_$
begin
  execute 'drop database live'; -- ' $$
  \connect elsewhere
end $_$;
CREATE FUNCTION public.g() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
/* a comment; /* in a comment; */ \connect x */
SELECT date'2020-01-01\', 1; SELECT $1$2;
COPY public."a;b" (c) FROM stdin;
DROP DATABASE live;
\\connect elsewhere
\N
it's \\. not the end
\\.
\.

INSERT INTO public."a;b" VALUES ('a
\.
\connect x');
ALTER TABLE public."a;b" OWNER TO "Web ""User"" #1";
GRANT SELECT ON TABLE public."a;b" TO reader WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT ALL ON TABLES TO "Second";
CREATE POLICY p ON public."a;b" FOR SELECT TO alice, "Bob" USING (true);
CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;
CREATE USER MAPPING FOR carol SERVER s;
`);

describe('a dump that was imported', () => {
  it.each([1, 2, 3, 5, 7, 64, 4096])('is what it was, in pieces of %i bytes', (size) => {
    expect(filter(difficult, size)).toEqual({
      text: difficult,
      notes: [],
      facts: {
        server: '17.6 (Debian 17.6-1)',
        program: '17.6',
        roles: ['Web "User" #1', 'reader', 'Second', 'owner', 'alice', 'Bob', 'carol'],
        extensions: ['postgis'],
      },
    });
  });

  it.each([1, 6, 4096])('leaves out what is about the database as a whole (--create), in pieces of %i bytes', (size) => {
    const before = `CREATE DATABASE live WITH TEMPLATE = template0;\nALTER DATABASE live OWNER TO app;\nCOMMENT ON DATABASE live IS 'a; b';\n\\unrestrict abc\n\\connect live\n\\restrict def\nALTER DATABASE live SET work_mem TO '64MB';\nALTER ROLE app IN DATABASE live SET x.y TO '1';\nGRANT CONNECT ON DATABASE live TO reader;\n`;
    const {text, notes} = filter(dump(`${before}CREATE TABLE t (a int);\n`), size);
    expect(text.replaceAll(/\n+/g, '\n')).toBe(dump('\\unrestrict abc\n\\restrict def\nCREATE TABLE t (a int);\n').replaceAll(/\n+/g, '\n'));
    expect(notes[0]).toEqual(expect.stringMatching(/^left out: 7 statements about the database as a whole/));
  });

  it('leaves out what clears an empty database (--clean), and nothing after that', () => {
    const before = 'ALTER TABLE IF EXISTS ONLY public.t DROP CONSTRAINT t_pkey;\nCREATE OR REPLACE VIEW public.v AS SELECT NULL::integer AS a;\nDROP TABLE public.t;\nDROP SCHEMA public;\n';
    const after = "CREATE TABLE public.t (a int);\nALTER TABLE public.t DROP COLUMN b;\nDROP TABLE public.u;\nCOPY public.t (a) FROM stdin;\n1\n\\.\n";
    const {text, notes} = filter(dump(`${before}CREATE SCHEMA public;\n${after}`));
    expect(text.replaceAll(/\n+/g, '\n')).toBe(dump(after).replaceAll(/\n+/g, '\n'));
    expect(notes).toEqual([expect.stringMatching(/^left out: 5 statements that would first drop/)]);
  });

  it('knows strings of old servers, in which a backslash counts', () => {
    const script = dump("SET standard_conforming_strings = off;\nCREATE TABLE t (a text DEFAULT 'it\\'s; DROP DATABASE live;');\n");
    expect(filter(script, 3).text).toBe(script);
  });

  it.each<[string, string, RegExp, RegExp]>([
    ['with its end missing', `${opening}CREATE TABLE t (a int);\n`, /is not whole/, /another copy/],
    ['that ends within the data', `${opening}CREATE TABLE t (a int);\nCOPY t (a) FROM stdin;\n1\n`, /is not whole/, /another copy/],
    ['that ends within a statement', `${opening}CREATE TABLE t (`, /is not whole/, /another copy/],
    ['whose trailer is text in a table', `${opening}CREATE TABLE t (a int);\nCOPY t (a) FROM stdin;\n-- PostgreSQL database dump complete\n`, /is not whole/, /another copy/],
    ['without header', 'CREATE TABLE t (a int);\n-- PostgreSQL database dump complete\n', /header is missing/, /pg_dump/],
    ['of a whole server', `-- PostgreSQL database cluster dump\n${dump('')}`, /pg_dumpall/, /pg_dump/],
    ['with roles', dump('CREATE ROLE app;\n'), /changes roles/, /pg_dump/],
    ['with server settings', dump("ALTER SYSTEM SET fsync = 'off';\n"), /whole server/, /pg_dump/],
    ['of several databases', dump('\\connect a\nCREATE TABLE t (a int);\n\\connect b\n'), /several databases/, /pg_dump/],
    ['that connects after the beginning', dump('CREATE TABLE t (a int);\n\\c b\n'), /several databases/, /pg_dump/],
    ['with a command of the shell', dump('\\! rm -rf /\n'), /the command \\! of psql/, /trust/],
    ['with an included file', dump('\\i /etc/passwd\n'), /the command \\i of psql/, /trust/],
    ['with a command in a statement', dump('CREATE TABLE t (a int) \\connect live\n;'), /in the middle of a statement/, /trust/],
    ['that reads a file of the server', dump("CREATE TABLE t (a text);\nCOPY t FROM '/etc/passwd';\n"), /files of the server/, /trust/],
    ['that runs a program', dump("CREATE TABLE t (a text);\nCOPY t FROM PROGRAM 'id';\n"), /files of the server/, /trust/],
    ['that is two', dump('') + dump(''), /more than one dump/, /Split/],
    ['that goes on', `${dump('')}CREATE TABLE t (a int);`, /goes on after its end/, /Split/],
    ['without tables', dump('COPY t (a) FROM stdin;\n1\n\\.\n'), /--data-only/, /has the tables/],
  ])('%s is refused', async (_, script, message, next) => {
    for (const size of [1, 4096]) {
      const error = await thrownBy(() => filter(script, size));
      expect(error).toMatchObject(problem('import', message, next));
      expect(error.message).toMatch(/^\/old\.sql /);
    }
  });

  it('tells of tables without their rows', () => {
    expect(filter(dump('CREATE TABLE t (a int);\n')).notes).toEqual([expect.stringContaining('--schema-only')]);
  });
});
