import {describe, expect, test} from 'vitest';
import type {DatabaseDetails, DatabaseHome} from '../../../src/sources/postgres/facts.ts';
import {adoptFromContainer} from '../../../src/sources/postgres/home.ts';
import {serverCommand, serverEnvironment, serverLabels} from '../../../src/sources/postgres/server.ts';

const home: DatabaseHome = {service: 'postgres', environment: 'official', dataDirectory: null, mounts: []};
const role = (password: string | null): DatabaseDetails['roles'][number] => ({
  name: 'app',
  attributes: {rolsuper: false, rolinherit: true, rolcreaterole: false, rolcreatedb: false, rolcanlogin: true, rolreplication: false, rolbypassrls: false, rolconnlimit: -1, rolvaliduntil: null},
  password, settings: null, comment: null,
});
const details = (passwords: (string | null)[] = []): DatabaseDetails => ({
  server: {version: '17.6', versionNumber: 170_006, bytes: 1},
  image: {name: 'postgres:17', id: 'sha256:1'},
  container: 'shop-postgres-1',
  extensions: [],
  database: {name: 'shop', owner: 'app', encoding: 'UTF8', collate: 'C', ctype: 'C', provider: 'c', connectionLimit: -1, isTemplate: false, comment: null, privileges: null, settings: []},
  roles: passwords.map(role),
  memberships: [],
  tables: [],
});

describe('the environment of a new server', () => {
  test('in the names of every image, with a first superuser that no role of the set is', () => {
    const everywhere = {POSTGRES_USER: 'timetiles_dr', POSTGRES_PASSWORD: 'random', POSTGRES_PASS: 'random', POSTGRES_DB: 'shop', POSTGRES_DBNAME: 'shop'};
    expect(serverEnvironment(details(), home, 'shop', 'random')).toEqual(everywhere);
    expect(serverEnvironment(details(), {...home, dataDirectory: '/data'}, 'shop', 'random')).toEqual({...everywhere, PGDATA: '/data', DATADIR: '/data'});
  });

  test('takes passwords of the old kind where a role still has one', () => {
    expect(serverEnvironment(details([null, 'md5abc']), home, 'shop', 'random')).toMatchObject({POSTGRES_HOST_AUTH_METHOD: 'md5'});
    expect(serverEnvironment(details(['SCRAM-SHA-256$4096:x']), home, 'shop', 'random')).not.toHaveProperty('POSTGRES_HOST_AUTH_METHOD');
  });
});

test('a new server has every label by which compose lists what is its own, and no hash that a configuration could have', () => {
  const label = (name: string) => `com.docker.compose.${name}`;
  const labels = {[label('project')]: 'shop', [label('oneoff')]: 'False', [label('container-number')]: '1', [label('config-hash')]: expect.not.stringMatching(/^[0-9a-f]{64}$/)};
  expect(serverLabels('shop', home)).toEqual({...labels, [label('service')]: 'postgres'});
  expect(serverLabels('shop', {...home, service: null})).toEqual(labels);
});

describe('the command of a new server', () => {
  const image = (...command: string[]) => ({id: 'sha256:1', command});
  const loading = (preload: string | undefined, from = image('postgres')) => {
    const set = details();
    return serverCommand({...set, server: {...set.server, ...(preload !== undefined && {preload})}, home: {...home, environment: 'official'}}, from);
  };

  test('loads the libraries that the old one loaded, beside what the image says', () => {
    expect(loading('timescaledb,"odd, name"')).toEqual(['postgres', '-c', 'shared_preload_libraries=timescaledb,"odd, name"']);
    expect(loading('pg_cron', image('/usr/bin/postgres', '-D', '/etc/postgresql'))).toEqual(['/usr/bin/postgres', '-D', '/etc/postgresql', '-c', 'shared_preload_libraries=pg_cron']);
  });

  test.each([
    ['there is no manifest', () => serverCommand(undefined, image('postgres'))],
    ['the manifest does not say', () => loading(undefined)],
    ['nothing was loaded', () => loading('')],
    ['the image runs a script of its own', () => loading('pg_cron', image())],
    ['the image runs another program', () => loading('pg_cron', image('/opt/scripts/run.sh'))],
    ['the set was made with another image', () => loading('pg_cron', {...image('postgres'), id: 'sha256:2'})],
  ])('is what the image says where %s', (_, command) => expect(command()).toBeUndefined());
});

describe('what a container that is there does not say', () => {
  test.each<[string, Record<string, string>, string[], object]>([
    ['its name and the database', {}, [], {POSTGRES_CONTAINER: 'c', DB_NAME: 'shop'}],
    ['its name alone where it names the database', {POSTGRES_DB: 'other'}, [], {POSTGRES_CONTAINER: 'c'}],
    ['nothing that the configuration says', {}, ['POSTGRES_CONTAINER', 'DB_NAME'], {}],
  ])('%s', (_, environment, given, settings) => expect(adoptFromContainer({name: 'c', environment}, details(), new Set(given))).toEqual(settings));
});
