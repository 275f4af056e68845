import {describe, expect, it} from 'vitest';
import {requireFitting, requireRights, type Needs} from '../../../src/sources/postgres/fitting.ts';
import {knowsRestrict} from '../../../src/sources/postgres/restrict.ts';
import {ownSearchPath} from '../../../src/sources/postgres/search-path.ts';
import type {Target} from '../../../src/sources/postgres/restore-target.ts';

const target: Target = {
  version: '17.6 (Debian)', versionNumber: 170_006, roles: ['postgres', 'app'], databases: ['postgres', 'app'], tablespaces: ['pg_default'], extensions: ['pg_cron', 'postgis', 'unaccent', 'timescaledb'],
  untrusted: ['postgis', 'pg_cron'], extensionVersions: ['timescaledb 2.1'], preload: 'pg_cron, "timescaledb"', cronDatabase: 'app',
  user: {isSuperuser: true, mayCreateDatabases: true, mayCreateRoles: true, actsFor: ['postgres']}, slots: [], liveOwner: 'app',
};
const connection: Parameters<typeof requireRights>[0] = {
  user: 'app',
  container: {id: 'c', name: 'shop-db-1', image: 'shop/db', imageId: 'i', running: true, state: 'running', service: 'db', project: 'shop', environment: {}, labels: {}, mounts: [], command: [], workingDirectory: '/', ports: [], health: undefined, startedAt: 0, endedAt: 0, sharesNetwork: false, publishedPorts: {}},
};
const needs = (more: Partial<Needs> = {}): Needs => ({version: '17.6', extensions: [], preload: [], ...more});

describe('what a server lacks for a set is named', () => {
  it.each<[string, Needs, Partial<Target>, RegExp]>([
    ['an older server', needs(), {versionNumber: 160_001, version: '16.1'}, /from PostgreSQL 17\.6, but shop-db-1 runs the older 16\.1/],
    ['an extension', needs({extensions: [{name: 'h3', version: '4'}]}), {}, /does not have: h3 4/],
    ['pg_cron that is not loaded', needs({extensions: [{name: 'pg_cron'}]}), {preload: ''}, /pg_cron, which the server in shop-db-1 does not load/],
    ['another library that was loaded', needs({extensions: [{name: 'timescaledb'}], preload: ['timescaledb']}), {preload: 'pg_cron'}, /timescaledb, which the server/],
    ['the version of TimescaleDB', needs({extensions: [{name: 'timescaledb', version: '2.0'}]}), {}, /timescaledb 2\.0, and shop-db-1 has another version/],
    ['a name that is taken', needs({extensions: [{name: 'pg_cron'}]}), {databases: ['contrib_regression']}, /a database contrib_regression, whose name/],
  ])('%s', (_, wanted, more, expected) => {
    expect(() => requireFitting(connection, wanted, {...target, ...more})).toThrow(expected);
  });

  it('and nothing where it has all, or where it may not be known', () => {
    expect(() => requireFitting(connection, needs({extensions: [{name: 'pg_cron'}, {name: 'timescaledb', version: '2.1'}], preload: ['pg_cron', 'timescaledb']}), target)).not.toThrow();
    expect(() => requireFitting(connection, needs({extensions: [{name: 'pg_cron'}]}), {...target, preload: null})).not.toThrow();
  });

  it.each<[string, Needs, Partial<Target['user']>, string[], RegExp | undefined]>([
    ['databases', needs(), {mayCreateDatabases: false}, [], /user app .* may not create databases/],
    ['roles', needs(), {mayCreateRoles: false}, ['web'], /create the missing 1 role web/],
    ['the owner', needs(), {actsFor: ['other']}, [], /make databases for their owner app, nor rename the database of app/],
    ['extensions', needs({extensions: [{name: 'postgis'}, {name: 'unaccent'}]}), {}, [], /create the 1 extension postgis/],
    ['nothing', needs({extensions: [{name: 'unaccent'}]}), {}, [], undefined],
    ['nothing as a superuser', needs({extensions: [{name: 'postgis'}]}), {isSuperuser: true, mayCreateDatabases: false}, ['web'], undefined],
  ])('rights of an ordinary user: %s', (_, wanted, rights, newRoles, expected) => {
    const user = {isSuperuser: false, mayCreateDatabases: true, mayCreateRoles: true, actsFor: ['app'], ...rights};
    const check = () => requireRights(connection, wanted, {...target, user}, {owner: 'app', newRoles});
    if (expected) expect(check).toThrow(expected);
    else expect(check).not.toThrow();
  });
});

it.each([
  ['psql (PostgreSQL) 17.5 (Debian 17.5-1)', false],
  ['psql (PostgreSQL) 17.6', true],
  ['psql (PostgreSQL) 16.10 (Ubuntu 16.10-0)', true],
  ['psql (PostgreSQL) 16.9', false],
  ['psql (PostgreSQL) 15.14', true],
  ['psql (PostgreSQL) 14.18', false],
  ['psql (PostgreSQL) 12.22', false],
  ['psql (PostgreSQL) 18.0', true],
  ['psql (PostgreSQL) 18beta1', false],
  ['', false],
])('%j knows \\restrict: %s', (text, expected) => {
  expect(knowsRestrict(text)).toBe(expected);
});

describe('the search path of a database', () => {
  const settings = (entries: Record<string, string[]>) => ({settings: Object.entries(entries).map(([role, list]) => ({role: role === '' ? null : role, entries: list}))});

  it.each([
    ['the standard one', settings({}), [], ['public'], '"$user", public'],
    ['that of the database, then those of roles, then all schemas', settings({app: ['search_path=mine'], '': ['work_mem=1', 'search_path=app, "Odd"']}), ['search_path=everywhere'], ['public', 'a"b'], 'app, "Odd", mine, everywhere, "$user", public, "a""b"'],
    ['an empty one counts for nothing', settings({'': ['search_path=""']}), [], [], '"$user", public'],
  ])('%s', (_, properties, roleSettings, schemas, expected) => {
    expect(ownSearchPath(properties, roleSettings, schemas)).toBe(expected);
  });
});
