import {describe, expect, it, test} from 'vitest';
import type {Container, Mount} from '../../../src/docker/containers.ts';
import {chooseServer} from '../../../src/sources/postgres/choose-server.ts';
import {containerCandidate, engineCandidates} from '../../../src/sources/postgres/find-server.ts';
import {dataMountOf, judgeContainer, looksLikeServer, type ServerRole} from '../../../src/sources/postgres/server-evidence.ts';
import {settingLine} from '../../../src/config/setting-line.ts';

const official = ['docker-entrypoint.sh', 'postgres'];
const postmaster = ['/usr/lib/postgresql/17/bin/postgres -D /data', 'postgres: checkpointer ', 'postgres: app app [local] idle'];

function container(name: string, more: Partial<Container> = {}): Container {
  return {
    id: `id-${name}`, name, running: true, state: 'running', service: name, project: 'blog', image: 'app', imageId: '', environment: {}, labels: {},
    mounts: [], command: [], workingDirectory: '/', ports: [], health: undefined, startedAt: 0, endedAt: 0, sharesNetwork: false, publishedPorts: {}, ...more,
  };
}

const volume = (name: string, destination = '/var/lib/postgresql/data'): Mount => ({type: 'volume', volume: name, source: `/volumes/${name}`, destination, writable: true});

describe('what a container is, by what runs in it', () => {
  const appEnvironment = {POSTGRES_USER: 'app', POSTGRES_PASSWORD: 'x', POSTGRES_DB: 'app', DATABASE_URL: 'postgresql://app:x@db/app'};
  it.each<[string, Partial<Container>, string[] | undefined, ServerRole]>([
    ['the official image', {image: 'postgres:17-alpine', command: official}, postmaster, 'server'],
    ['an image without any of the usual names', {image: 'registry.local/shop/db:1'}, ['/opt/pg/bin/postgres -c config_file=/etc/x'], 'server'],
    ['an image that has lost its name', {image: 'sha256:0123'}, ['postmaster -D /x'], 'server'],
    ["Debian's layout under a shell", {image: 'kartoza/postgis:17-3.5', command: ['/bin/sh', '-c', '/scripts/docker-entrypoint.sh']}, ['/bin/bash /scripts/docker-entrypoint.sh', 'su - postgres -c postgres', ...postmaster], 'server'],
    ['a standby', {image: 'postgres:17'}, ['postgres -D /data', 'postgres: startup recovering 000000010000', 'postgres: walreceiver streaming 0/3000'], 'standby'],
    ['a server that is being set up', {image: 'postgres:17', command: official}, ['bash /usr/local/bin/docker-entrypoint.sh postgres', 'initdb --username=app'], 'likely'],
    ['one that does not run', {image: 'postgis/postgis:17-3.5', command: official, running: false}, undefined, 'likely'],
    ['one in which the engine cannot look', {image: 'bitnami/postgresql:17'}, undefined, 'likely'],
    ['a web container with the variables of a server', {image: 'blog/web', environment: appEnvironment, command: ['node', 'server.js']}, ['node server.js'], 'none'],
    ['the same, stopped', {image: 'blog/web', environment: appEnvironment, command: ['node', 'server.js'], running: false}, undefined, 'none'],
    ['pgbouncer, which has the same port', {image: 'edoburu/pgbouncer:1.23', ports: [5432], environment: appEnvironment}, ['/usr/bin/pgbouncer /etc/pgbouncer/pgbouncer.ini'], 'none'],
    ['the same, stopped', {image: 'bitnami/pgbouncer', ports: [5432], running: false}, undefined, 'none'],
    ['an exporter, stopped', {image: 'quay.io/prometheuscommunity/postgres-exporter', running: false}, undefined, 'none'],
    ['pgadmin, stopped', {image: 'dpage/pgadmin4', running: false}, undefined, 'none'],
    ['a container that makes dumps with the image of the server', {image: 'postgres:17', command: ['docker-entrypoint.sh', 'sh', '-c', 'while true; do pg_dump -h db app > /b/x.sql; sleep 86400; done']}, ['sh -c while true', 'sleep 86400'], 'none'],
    ['the same, stopped', {image: 'postgres:17', command: ['docker-entrypoint.sh', 'sh', '-c', 'pg_dump -h postgres app'], running: false}, undefined, 'none'],
    ['a container that ran a script once', {image: 'postgres:17', command: ['docker-entrypoint.sh', 'psql', '-h', 'db', '-f', '/init.sql'], running: false}, undefined, 'none'],
    ['one made for backups from the image of the server', {image: 'shop/nightly', environment: {PGDATA: '/var/lib/postgresql/data', PG_MAJOR: '17'}, ports: [5432]}, ['/nightly.sh'], 'none'],
    ['a script that restores and then starts the server', {image: 'postgres:17', command: ['bash', '-c', 'pg_restore x; exec docker-entrypoint.sh postgres'], running: false}, undefined, 'likely'],
  ])('%s', (_, facts, processes, role) => {
    expect(judgeContainer(container('x', facts), processes)).toBe(role);
  });

  it.each([
    'postgres', 'postgres:17.2-bookworm', 'kartoza/postgis:17-3.5', 'postgis/postgis', 'timescale/timescaledb-ha:pg17', 'timescale/timescaledb:latest-pg16', 'pgvector/pgvector:pg17', 'ankane/pgvector',
    'bitnami/postgresql', 'bitnami/postgresql-repmgr:17', 'supabase/postgres:15', 'ghcr.io/zalando/spilo-17:4.0', 'ghcr.io/immich-app/postgres:14-vectorchord0.3.0', 'tensorchord/pgvecto-rs:pg16', 'localhost:5000/own/postgres@sha256:00', 'paradedb/paradedb',
  ])('%s is the image of a server', (image) => {
    expect(looksLikeServer(container('x', {image}))).toBe(true);
  });

  it.each([
    'prodrigestivill/postgres-backup-local', 'postgrest/postgrest', 'supabase/postgres-meta', 'prometheuscommunity/postgres-exporter', 'edoburu/pgbouncer', 'dpage/pgadmin4', 'bitnami/pgpool', 'graphile/postgraphile', 'offen/postgres-dump', 'pgbackrest/pgbackrest',
    'node:22', 'nginx', 'redis:7', 'mysql:8', 'ghcr.io/jfxs/timetiles-web', 'pagekit', 'image-proxy',
  ])('%s is not', (image) => {
    expect(looksLikeServer(container('x', {image}))).toBe(false);
  });

  it('knows where the server keeps its data', () => {
    expect(dataMountOf(container('x', {mounts: [volume('sockets', '/var/run/postgresql'), volume('data')]}))).toBe('data');
    expect(dataMountOf(container('x', {environment: {PGDATA: '/pg/17/data'}, mounts: [volume('logs', '/logs'), volume('pg', '/pg')]}))).toBe('pg');
    expect(dataMountOf(container('x'))).toBeUndefined();
  });
});

describe('the server of a project', () => {
  const db = {container: container('db', {image: 'postgres:17', mounts: [volume('blog_db')]}), role: 'server'} as const;
  const metabase = {container: container('metabase-db', {image: 'postgres:17', mounts: [volume('blog_metabase')]}), role: 'server'} as const;
  const named = {container: container('postgres', {image: 'postgres:17'}), role: 'server'} as const;
  const stopped = (name: string, data: string) => ({container: container(name, {image: 'postgres:17', running: false, state: 'exited', mounts: [volume(data)]}), role: 'likely'}) as const;
  const standby = {container: container('replica', {mounts: [volume('blog_replica')]}), role: 'standby'} as const;
  const web = {container: container('web'), role: 'none'} as const;
  it.each([
    ['the only one', [db, web], 'db'],
    ['the service postgres, as ever, whatever else there is', [db, named], 'postgres'],
    ['the one that leads a standby', [standby, db], 'db'],
    ['a standby, where nothing else is', [standby, web], 'replica'],
    ['one that does not run, where none does', [stopped('db', 'blog_db'), web], 'db'],
    ['the running one of two that have the same data', [stopped('old', 'blog_db'), db], 'db'],
    ['two that run', [db, metabase], ['db', 'metabase-db']],
    ['a running one beside one that may just be down', [stopped('db2', 'blog_db2'), metabase], ['metabase-db', 'db2']],
    ['none', [web], []],
  ])('%s', (_, judged, expected) => {
    const choice = chooseServer(judged);
    const names = choice.state === 'several' ? choice.containers.map(({name}) => name) : choice.state === 'found' ? choice.container.name : [];
    expect(names).toEqual(expected);
  });
});

test('the line for a container names what stays: a project, a swarm service, a container', () => {
  const inProject = container('blog-db-1', {labels: {'com.docker.compose.project': 'blog'}});
  const second = container('shop-db-1', {labels: {'com.docker.compose.project': 'shop'}});
  const third = container('shop-analytics-1', {labels: {'com.docker.compose.project': 'shop'}});
  const task = container('forum_db.1.x2yz', {labels: {'com.docker.stack.namespace': 'forum', 'com.docker.swarm.service.name': 'forum_db'}});
  const alone = container('pg', {service: undefined, project: undefined});
  const lines = engineCandidates([inProject, second, third, task, alone]).map(({key, value}) => settingLine(key, value));
  expect(lines).toEqual(['COMPOSE_PROJECT_NAME="blog"', 'POSTGRES_CONTAINER="shop-db-1"', 'POSTGRES_CONTAINER="shop-analytics-1"', 'COMPOSE_PROJECT_NAME="forum"', 'POSTGRES_CONTAINER="pg"']);
  expect(containerCandidate(task)).toMatchObject({key: 'POSTGRES_CONTAINER', value: 'forum_db'});
});
