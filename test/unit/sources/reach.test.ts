import {describe, expect, it} from 'vitest';
import {parseLook, serversIn} from '../../../src/sources/postgres/look.ts';
import {parseProbe} from '../../../src/sources/postgres/probe.ts';
import {chooseServer, firstRoute, overNetwork, routesAsOwner, routesTo} from '../../../src/sources/postgres/routes.ts';
import {thrownBy} from '../support.ts';

const container = {name: 'shop-db-1', publishedPorts: {}};

/** What the script prints; `~` stands for the separator. */
function look(...lines: string[]) {
  return serversIn(parseLook(lines.join('\n').replaceAll('~', '\u001F')));
}

describe('where to knock first', () => {
  it.each([
    ['the ordinary socket', {}, undefined, {}],
    ['a configured port', {PGPORT: '5433'}, '5434', {port: '5434'}],
    ["the port in the container's environment", {PGPORT: '5433'}, undefined, {port: '5433'}],
    ["Bitnami's name for it", {POSTGRESQL_PORT_NUMBER: '5433'}, undefined, {port: '5433'}],
    ['a socket directory', {PGHOST: '/tmp'}, undefined, {host: '/tmp'}],
    ['not at the primary of a standby', {PGHOST: 'primary', PGPORT: '5499'}, undefined, {}],
  ])('%s', (_, environment, port, route) => {
    expect(firstRoute({environment}, port)).toEqual({host: undefined, port: undefined, ...route});
  });

  it('goes on by TCP, once', () => {
    expect(overNetwork({host: '/tmp', port: '5433'})).toEqual({host: '127.0.0.1', port: '5433'});
    expect(overNetwork({host: 'localhost'})).toBeUndefined();
  });
});

describe('a look into the container', () => {
  it('finds port, sockets and owner of a server by its notes and sockets', () => {
    const [server, ...others] = look(
      'server 33 100 postgres /usr/lib/postgresql/17/bin/postgres~-D~/var/lib/postgresql/17/main~-c~config_file=/etc/postgresql/17/main/postgresql.conf~',
      'pidfile 33~/var/lib/postgresql/17/main~1795848437~5433~/var/run/postgresql~*~  5662380  0~ready   ~',
      'socket /var/run/postgresql/.s.PGSQL.5433',
      'socket /var/run/postgresql/.s.PGSQL.5433',
      'socket /tmp/.s.PGSQL.5433',
    );
    expect(others).toEqual([]);
    expect(server).toEqual({port: '5433', directories: ['/var/run/postgresql', '/tmp'], uid: '100', user: 'postgres', pid: '33'});
    expect(routesTo(server ?? fail(), undefined).map(({host}) => host)).toEqual(['/var/run/postgresql', '/tmp', '127.0.0.1', '::1']);
    expect(routesAsOwner(server ?? fail(), undefined).map(({host, osUser}) => [host, osUser])).toEqual([['/var/run/postgresql', '100'], ['/tmp', '100']]);
  });

  it.each([['-p~5433'], ['-p5433'], ['-c~port=5433'], ['--port=5433']])('reads the port from %s where there is no socket', (words) => {
    expect(look(`server 1 999 postgres postgres~${words}~`)).toEqual([{port: '5433', directories: [], uid: '999', user: 'postgres', pid: '1'}]);
  });

  it('believes no note of a server that has ended', () => {
    expect(look('server 40 100 postgres postgres~', 'pidfile 12~/data~1~5499~/tmp~*~', 'socket /run/.s.PGSQL.5432').map(({port}) => port)).toEqual(['5432']);
  });

  it('tells the owners of two servers apart, or none', () => {
    const two = look('server 7 100 old postgres~-p~5432~', 'server 8 101 new postgres~-p~5433~', 'socket /run/.s.PGSQL.5432', 'socket /run/.s.PGSQL.5433');
    expect(two.map(({port, user}) => [port, user])).toEqual([['5432', 'old'], ['5433', 'new']]);
    const unclear = look('server 7 100 old postgres~', 'server 8 101 new postgres~', 'socket /run/.s.PGSQL.5433', 'socket /run/.s.PGSQL.5434');
    expect(unclear.map(({uid}) => uid)).toEqual([undefined, undefined]);
  });

  it('finds the programs of each version', () => {
    expect(parseLook('programs /usr/lib/postgresql/17/bin pg_dump (PostgreSQL) 17.12 (Debian 17.12-0+deb13u1)\nprograms /usr/bin/ pg_dump (PostgreSQL) 15.3\n').programs).toEqual([{directory: '/usr/lib/postgresql/17/bin', major: 17}, {directory: '/usr/bin', major: 15}]);
  });
});

describe('which server of a container', () => {
  const at = (...ports: string[]) => ports.map((port) => ({port, directories: [], uid: undefined, user: undefined, pid: undefined}));

  it.each([
    ['the only one', at('5433'), undefined, {}, '5433'],
    ['the one at the default port', at('5433', '5432'), undefined, {}, '5432'],
    ['the configured one', at('5433', '5432'), '5433', {}, '5433'],
    ['the one that the configured port is published for', at('5432'), '15432', {'15432': '5432'}, '5432'],
    ['none while none runs', [], '5432', {}, undefined],
  ])('%s', (_, servers, wanted, publishedPorts, port) => {
    expect(chooseServer(servers, wanted, {...container, publishedPorts})?.port).toBe(port);
  });

  it.each([
    ['several, none at the default port', at('5433', '5434'), undefined, /several PostgreSQL servers, at the ports 5433, 5434/, /DB_PORT=5433/],
    ['a configured port where none listens', at('5433'), '5434', /port 5434 \(DB_PORT\) in the container shop-db-1; one does at 5433/, /Correct DB_PORT/],
  ])('asks about %s', async (_, servers, wanted, message, next) => {
    const error = await thrownBy(() => chooseServer(servers, wanted, container));
    expect([error.kind, error.message, error.next]).toEqual(['configuration', expect.stringMatching(message), expect.stringMatching(next)]);
  });
});

it('reads what a server says of itself, with and without a shell in the container', () => {
  const facts = {versionNumber: 170_012, isSuperuser: true, isStandby: false, hasDatabase: true, hasRole: true, listens: '*', started: 1.5, seconds: 2};
  const whole = `${JSON.stringify(facts)}\nclient 55454\nbackend postgres: tt app 127.0.0.1(55454) idle      \nparent 1\ndump pg_dump (PostgreSQL) 17.12 (Debian 17.12-0)\n`;
  expect(parseProbe(whole)).toEqual({facts, said: {backend: 'postgres: tt app 127.0.0.1(55454) idle      ', client: '55454', parent: '1', dump: '17'}});
  expect(parseProbe(`${JSON.stringify(facts)}\nclient \n`).said).toEqual({backend: undefined, client: undefined, parent: undefined, dump: undefined});
});

function fail(): never {
  throw new Error('no server');
}
