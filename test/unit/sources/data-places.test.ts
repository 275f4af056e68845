import {describe, expect, it} from 'vitest';
import type {Mount} from '../../../src/docker/containers.ts';
import {judgePlace, notesOnPlaces, type DataPlace} from '../../../src/sources/postgres/data-places.ts';

const mount = (destination: string, volume: string | undefined): Mount => ({type: volume === undefined ? 'bind' : 'volume', volume, source: '/on/the/host', destination, writable: true});
const data = '/var/lib/postgresql/17/main';

describe('what a place would be lost with', () => {
  it.each<[string, Mount[], string, Pick<DataPlace, 'real' | 'keeping'>]>([
    ['a named volume', [mount('/var/lib/postgresql', 'shop_db')], `2 ${data}`, {real: data, keeping: 'mount'}],
    ['a directory of the host', [mount(data, undefined)], `2 ${data}`, {real: data, keeping: 'mount'}],
    ['the container, where the volume is beside it', [mount('/var/lib/postgresql/data', 'shop_db')], `1 ${data}`, {real: data, keeping: 'container'}],
    ['a volume, where a link leads there', [mount('/data', 'shop_db')], '2 /data/main', {real: '/data/main', keeping: 'mount'}],
    ['the container, where a link leads out of the volume', [mount('/var/lib/postgresql', 'shop_db')], '1 /srv/main', {real: '/srv/main', keeping: 'container'}],
    ['a volume on the same file system as the container', [mount(data, 'shop_db')], `1 ${data}`, {real: data, keeping: 'mount'}],
    ['a file system in memory, which Docker does not list', [], `2 ${data}`, {real: data, keeping: 'mount'}],
    ['a volume without a name, within a named one', [mount('/var/lib', 'shop_db'), mount(data, 'f'.repeat(64))], `2 ${data}`, {real: data, keeping: 'unnamed volume'}],
    ['nobody knows, where the container has no shell', [], '', {real: data, keeping: 'unknown'}],
  ])('%s', (_, mounts, line, expected) => expect(judgePlace({mounts}, data, '1', line)).toEqual(expected));
});

describe('the notes on places', () => {
  const place = (what: DataPlace['what'], path: string, keeping: DataPlace['keeping']): DataPlace => ({what, path, real: path, keeping});
  it.each<[string, DataPlace[], RegExp[]]>([
    ['nothing', [place('data directory', data, 'mount'), place('WAL', `${data}/pg_wal`, 'mount')], []],
    ['nothing that nobody knows', [place('data directory', data, 'unknown')], []],
    ['the WAL with the data directory', [place('data directory', data, 'container'), place('WAL', `${data}/pg_wal`, 'container')], [/data directory \/var\/lib\/postgresql\/17\/main lies in no volume, but within the container db: .*DATADIR/]],
    ['the WAL alone', [place('data directory', data, 'mount'), place('WAL', '/wal', 'container')], [/WAL \/wal lies in no volume/]],
    ['a tablespace', [place('data directory', data, 'mount'), place('tablespace', '/fast', 'unnamed volume')], [/tablespace \/fast lies in a volume without a name: after docker compose down/]],
  ])('%s', (_, places, expected) => expect(notesOnPlaces('db', places)).toEqual(expected.map((pattern) => expect.stringMatching(pattern))));
});
