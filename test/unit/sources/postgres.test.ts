import {describe, expect, it} from 'vitest';
import {databaseDetailsSchema, parseTableCounts, rolesQuery} from '../../../src/sources/postgres/facts.ts';
import {endLeftoverSessionsSql, runName} from '../../../src/sources/postgres/psql.ts';
import {maintenanceDatabase} from '../../../src/sources/postgres/sql.ts';
import {firstError} from '../../../src/sources/postgres/sqlstate.ts';

describe('facts', () => {
  it('reads row counts', () => {
    expect(parseTableCounts(['["public", "events", 3]', '["My schema", "odd \\"name\\"", 0]'])).toEqual([['public', 'events', 3], ['My schema', 'odd "name"', 0]]);
    expect(() => parseTableCounts(['["public", "events"]'])).toThrow(/too_small|Too small/i);
  });

  it('reads password verifiers only for a superuser', () => {
    expect(rolesQuery(true)).toContain('pg_authid p');
    expect(rolesQuery(false)).not.toContain('pg_authid p');
  });

  it('reads manifests of servers before 15, which knew no locale provider', () => {
    const old = {
      server: {version: '13.4', versionNumber: 130_004, bytes: 1}, image: {name: 'i', id: 'i'}, container: 'c', extensions: [],
      database: {name: 'a', owner: 'o', encoding: 'UTF8', collate: 'C', ctype: 'C', connectionLimit: -1, isTemplate: false, comment: null, privileges: null, settings: []},
      roles: [], memberships: [], tables: [],
    };
    expect(databaseDetailsSchema.parse(old).database.provider).toBe('c');
  });
});

describe('firstError', () => {
  it.each([
    ['psql:<stdin>:12: ERROR:  relation "x" does not exist\nLINE 1: select', 'relation "x" does not exist'],
    ['pg_dump: error: could not open file: No space left', 'could not open file: No space left'],
    ['NOTICE:  hello\npsql: error: connection to server on socket "/s" failed: FATAL:  password authentication failed for user "x"', 'password authentication failed for user "x"'],
    ['pg_dump: dumping\nsomething else', 'something else'],
    ['', 'it ended without a word'],
  ])('%j', (stderr, said) => {
    expect(firstError(stderr)).toBe(said);
  });

  it('never repeats the statement, which may hold a verifier', () => {
    expect(firstError(`psql:<stdin>:1: ERROR:  syntax error at or near "X"\nLINE 1: CREATE ROLE a PASSWORD 'SCRAM-SHA-256$1'`)).not.toContain('SCRAM');
  });
});

describe('sessions', () => {
  it('carry the mark of their repository, and only those of the same one are ended', () => {
    const [one, other] = [runName('/repository/one', 'a'), runName('/repository/other', 'a')];
    expect(one).toMatch(/^[0-9a-f]{8}-a$/);
    expect(one.slice(0, 9)).not.toBe(other.slice(0, 9));
    const sql = endLeftoverSessionsSql(one);
    expect(sql).toContain(`left(application_name, 19) = 'timetiles-${one.slice(0, 9)}'`);
    expect(sql).toContain('pid <> pg_backend_pid()');
  });

  it('rename databases from another one', () => {
    expect(maintenanceDatabase('app')).toBe('postgres');
    expect(maintenanceDatabase('postgres')).toBe('template1');
  });
});
