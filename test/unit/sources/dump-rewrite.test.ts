import {describe, expect, it} from 'vitest';
import {createDumpRewriter, type DumpRewrite} from '../../../src/sources/postgres/dump-rewrite.ts';

/** Rewrites a dump that comes in pieces of so many bytes. */
function rewrite(dump: string, rules: DumpRewrite, size = dump.length): string {
  const rewriter = createDumpRewriter(rules);
  const bytes = Buffer.from(dump);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) parts.push(...rewriter.push(bytes.subarray(at, at + size)));
  return Buffer.concat([...parts, ...rewriter.end()]).toString();
}

const plain: DumpRewrite = {tablespaces: new Set(['', 'fast'])};
const patient: DumpRewrite = {...plain, patience: {searchPath: `"it's", public`}};

describe('a rewritten dump', () => {
  const dump = [
    '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n',
    "SELECT pg_catalog.set_config('search_path', '', false);",
    "SET default_tablespace = '';",
    'SET default_tablespace = fast;',
    'SET default_tablespace = "Gone Disk";',
    `CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 1; SET default_tablespace = gone; $$;`,
    'CREATE TABLE t (a text);',
    'COPY t (a) FROM stdin;\nSET default_tablespace = gone;\nREFRESH MATERIALIZED VIEW m;\n\\.\n',
    'COPY u (a) FROM stdin;\n\\.\n',
    'REFRESH MATERIALIZED VIEW public."m; x";',
    '\\unrestrict abc\n',
  ].join('\n');
  const expected = dump.replace('\\restrict abc\n', '').replace('\\unrestrict abc\n', '').replace('"Gone Disk"', "''");

  it.each([1, 2, 7, 64, 5000])('loses tablespaces that are not there and what an older psql does not know, in pieces of %i bytes', (size) => {
    expect(rewrite(dump, plain, size)).toBe(expected);
  });

  it('is made patient: its search path, its functions, its checks and its views', () => {
    const text = rewrite(dump, patient, 3);
    const order = ["set_config('search_path', '\"it''s\", public', false)", 'CREATE FUNCTION f()', 'SET search_path FROM CURRENT', 'CREATE TABLE t', 'DROP CONSTRAINT', 'COPY t (a)', 'REFRESH MATERIALIZED VIEW m;\n\\.', 'COPY u', 'EXCEPTION WHEN OTHERS', 'kept.restore', 'RESET search_path', 'SELECT to_json'];
    const places = order.map((part) => text.indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(text.match(/DROP CONSTRAINT/g)).toHaveLength(1);
  });

  it('keeps event triggers of the database from what is still to be done', () => {
    expect(rewrite('CREATE EVENT TRIGGER e ON sql_drop EXECUTE FUNCTION f();\n', patient)).toMatch(/^\s*SET session_replication_role = replica;\s*CREATE EVENT TRIGGER e /);
  });

  it.each(['\\! rm -rf /\n', 'SELECT 1 \\g /tmp/x\n', '\\connect other\n'])('is refused with a command of psql: %j', (command) => {
    expect(() => rewrite(`SELECT 1;\n${command}`, plain)).toThrow(/a command of psql/);
  });
});
