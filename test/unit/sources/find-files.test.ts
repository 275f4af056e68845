import {describe, expect, it, test} from 'vitest';
import type {Container, Mount} from '../../../src/docker/containers.ts';
import {findCandidates, findNamedByApp, findUnmounted, keyOfPlace} from '../../../src/sources/files/candidates.ts';

const volume = (name: string, destination: string, writable = true): Mount => ({type: 'volume', volume: name, source: `/var/lib/docker/volumes/${name}/_data`, destination, writable});
const bind = (source: string, destination: string, writable = true): Mount => ({type: 'bind', volume: undefined, source, destination, writable});

function container(name: string, mounts: Mount[], more: Partial<Container> = {}): Container {
  return {
    id: name, name: `p-${name}-1`, running: true, state: 'running', service: name, project: 'p', image: `p/${name}`, imageId: '', environment: {}, labels: {},
    mounts, command: [], workingDirectory: '/app', ports: [], health: undefined, startedAt: 0, endedAt: 0, sharesNetwork: false, publishedPorts: {}, ...more,
  };
}

const db = container('db', [volume('p_db', '/var/lib/postgresql/data'), volume('p_sockets', '/var/run/postgresql')]);
const servers = new Set(['db']);
const found = (...containers: Container[]) => findCandidates([db, ...containers], servers).filter(({isSetAside}) => !isSetAside).map(({place}) => keyOfPlace(place));
const hex = 'ab'.repeat(32);

describe('what may hold the uploads', () => {
  it.each<[string, Mount[], string[]]>([
    ['a volume of any name', [volume('p_media', '/app/media')], ['p_media']],
    ['a directory of the host', [bind('/srv/blog/media', '/app/media')], ['/srv/blog/media']],
    ['an anonymous volume', [volume(hex, '/var/www/html')], [hex]],
    ['what it may not write to', [volume('p_media', '/app/media', false)], []],
    ["the database's own", [volume('p_db', '/backup/db'), volume('p_sockets', '/var/run/postgresql')], []],
    ["the engine's socket and the system's files", [bind('/var/run/docker.sock', '/var/run/docker.sock'), bind('/etc/localtime', '/etc/localtime'), bind('/etc/letsencrypt', '/certs')], []],
    ['logs, caches, certificates, configuration', [volume('p_logs', '/app/x'), volume('p_web-cache', '/app/y'), volume('p_a', '/app/.cache'), bind('/srv/x/nginx', '/nginx'), bind('/srv/x/logs', '/l'), bind('/srv/x/config', '/c')], []],
    ['below /tmp, /var/log and /etc of the container', [volume('a', '/tmp/x'), volume('b', '/var/log/app'), volume('c', '/etc/app')], []],
    ['two', [volume('p_media', '/app/media'), volume('p_avatars', '/app/avatars')], ['p_avatars', 'p_media']],
    ['memory', [{type: 'tmpfs', volume: undefined, source: '', destination: '/app/x', writable: true}], []],
  ])('%s', (_, mounts, expected) => {
    expect(found(container('web', mounts))).toEqual(expected);
  });

  it("is nothing of proxies, caches and other databases, but what they share with the app is the app's", () => {
    const proxy = container('proxy', [volume('p_media', '/media', false), bind('/srv/html', '/usr/share/nginx/html')], {image: 'nginx:1.27-alpine'});
    const redis = container('redis', [volume('p_redis', '/data')], {image: 'redis:7'});
    const mysql = container('mysql', [volume('p_mysql', '/var/lib/mysql')], {image: 'mariadb:11'});
    expect(found(container('web', [volume('p_media', '/app/media')]), proxy, redis, mysql)).toEqual(['p_media']);
  });

  it("is not the app's own code, as developers mount it", () => {
    const labels = {'com.docker.compose.project.working_dir': '/home/me/blog'};
    expect(found(container('web', [bind('/home/me/blog', '/app'), bind('/home/me/blog/media', '/app/media')], {labels}))).toEqual(['/home/me/blog/media']);
  });

  it('has the name uploads in the shape of the TimeTiles deployment', () => {
    const home = '/opt/timetiles';
    const web = container('web', [bind(`${home}/uploads`, '/app/uploads'), bind(`${home}/exports`, '/app/exports'), bind(`${home}/logs`, '/app/logs'), bind(`${home}/config`, '/app/config', false)]);
    const all = findCandidates([db, web], servers);
    expect(all.filter(({isNamedUploads}) => isNamedUploads).map(({place}) => keyOfPlace(place))).toEqual([`${home}/uploads`]);
  });
});

describe('UPLOAD_DIR of the app', () => {
  const app = (value: string, mounts: Mount[], more: Partial<Container> = {}) => container('web', mounts, {environment: {UPLOAD_DIR: value}, ...more});
  it.each<[string, Container, string[]]>([
    ['is a volume', app('/app/uploads', [volume('p_files', '/app/uploads'), volume('p_x', '/app')]), ['p_files']],
    ['lies in a directory of the host', app('/data/up/2', [bind('/srv/data', '/data')]), ['/srv/data/up/2']],
    ['lies in a volume, which then is saved as a whole', app('/data/up', [volume('p_data', '/data')]), ['p_data']],
    ['begins in the working directory', app('./uploads', [bind('/srv/up', '/app/uploads')]), ['/srv/up']],
    ['is on no volume', app('/app/uploads', [volume('p_x', '/other')]), []],
    ['is empty', app('', [volume('p_x', '/app')]), []],
  ])('%s', (_, web, expected) => {
    expect(findNamedByApp([db, web], servers).map(({place}) => keyOfPlace(place))).toEqual(expected);
  });

  test('is told where no mount holds it', () => {
    expect(findUnmounted([app('/app/uploads', [])])).toBe('UPLOAD_DIR=/app/uploads of p-web-1 is on no volume');
  });
});
