import {describe, expect, it} from 'vitest';
import {createDatabaseSql, createRolesSql, databasePropertiesSql} from '../../../src/sources/postgres/create.ts';
import type {DatabaseProperties, Role} from '../../../src/sources/postgres/facts.ts';

const plain: DatabaseProperties = {
  name: 'app', owner: 'web', encoding: 'UTF8', collate: 'C.UTF-8', ctype: 'C.UTF-8', provider: 'c', connectionLimit: -1,
  isTemplate: false, comment: null, privileges: null, settings: [],
};
const role: Role = {
  name: 'reader',
  attributes: {
    rolsuper: false, rolinherit: true, rolcreaterole: false, rolcreatedb: false, rolcanlogin: true, rolreplication: false,
    rolbypassrls: false, rolconnlimit: -1, rolvaliduntil: null,
  },
  password: null, settings: null, comment: null,
};
const begin = `CREATE DATABASE "new" OWNER "web" TEMPLATE template0 ENCODING 'UTF8'`;

describe('createDatabaseSql', () => {
  it.each([
    ['libc', {}, `${begin} LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8';`],
    ['ICU', {provider: 'i', locale: 'de-DE'}, `${begin} LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE';`],
    ['ICU with rules', {provider: 'i', locale: 'und', icuRules: '&a < g'}, `${begin} LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&a < g';`],
    ['builtin', {provider: 'b', locale: 'C.UTF-8', collate: null, ctype: null}, `${begin} LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8';`],
  ])('%s', (_, more, sql) => {
    expect(createDatabaseSql('new', {...plain, ...more})).toBe(sql);
  });
});

describe('databasePropertiesSql', () => {
  it('does nothing for a database without properties', () => {
    expect(databasePropertiesSql('app', plain)).toEqual([]);
  });

  it('writes settings, privileges, comment, limit and template mark back', () => {
    const properties: DatabaseProperties = {
      ...plain,
      comment: "the app's",
      connectionLimit: 20,
      isTemplate: true,
      settings: [{role: null, entries: ['work_mem=64MB']}, {role: 'Reader', entries: ['statement_timeout=5s']}],
      privileges: [{grantee: null, privilege: 'CONNECT', grantable: false}, {grantee: 'Reader', privilege: 'TEMPORARY', grantable: true}],
    };
    expect(databasePropertiesSql('my "app"', properties)).toEqual([
      `ALTER DATABASE "my ""app""" SET "work_mem" TO '64MB';`,
      `ALTER ROLE "Reader" IN DATABASE "my ""app""" SET "statement_timeout" TO '5s';`,
      `REVOKE ALL ON DATABASE "my ""app""" FROM PUBLIC;`,
      `REVOKE ALL ON DATABASE "my ""app""" FROM "web";`,
      `GRANT CONNECT ON DATABASE "my ""app""" TO PUBLIC;`,
      `GRANT TEMPORARY ON DATABASE "my ""app""" TO "Reader" WITH GRANT OPTION;`,
      `COMMENT ON DATABASE "my ""app""" IS 'the app''s';`,
      `ALTER DATABASE "my ""app""" CONNECTION LIMIT 20;`,
      `ALTER DATABASE "my ""app""" IS_TEMPLATE true;`,
    ]);
  });

  it('tells no privileges at all from the default ones', () => {
    expect(databasePropertiesSql('app', {...plain, privileges: []})).toEqual([
      'REVOKE ALL ON DATABASE "app" FROM PUBLIC;',
      'REVOKE ALL ON DATABASE "app" FROM "web";',
    ]);
  });
});

describe('createRolesSql', () => {
  const membership = {role: 'team', member: 'reader', admin_option: false, inherit_option: true, set_option: false};

  it('makes the missing roles alone, as they were', () => {
    const full: Role = {
      ...role,
      name: "Odd 'role'",
      attributes: {...role.attributes, rolsuper: true, rolinherit: false, rolcanlogin: false, rolconnlimit: 3, rolvaliduntil: '2030-01-01 00:00:00+00'},
      password: 'SCRAM-SHA-256$4096:abc$def:ghi',
      settings: ['search_path=a, b'],
      comment: 'a comment',
    };
    expect(createRolesSql({roles: [role, full], memberships: []}, new Set(["Odd 'role'"]), 170_000)).toEqual([
      `CREATE ROLE "Odd 'role'" WITH SUPERUSER NOINHERIT NOCREATEROLE NOCREATEDB NOLOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 00:00:00+00' PASSWORD 'SCRAM-SHA-256$4096:abc$def:ghi';`,
      `ALTER ROLE "Odd 'role'" SET "search_path" TO 'a', 'b';`,
      `COMMENT ON ROLE "Odd 'role'" IS 'a comment';`,
    ]);
  });

  it.each([
    [170_000, membership, 'GRANT "team" TO "reader" WITH ADMIN false, INHERIT true, SET false;'],
    [150_000, membership, 'GRANT "team" TO "reader";'],
    [150_000, {...membership, admin_option: true}, 'GRANT "team" TO "reader" WITH ADMIN OPTION;'],
    [170_000, {role: 'team', member: 'reader', admin_option: true}, 'GRANT "team" TO "reader" WITH ADMIN OPTION;'],
  ])('grants memberships as the server %i knows them', (server, given, sql) => {
    expect(createRolesSql({roles: [], memberships: [given]}, new Set(['reader']), server)).toEqual([sql]);
  });

  it('leaves roles and memberships alone that the server has', () => {
    expect(createRolesSql({roles: [role], memberships: [membership]}, new Set(), 170_000)).toEqual([]);
  });
});
