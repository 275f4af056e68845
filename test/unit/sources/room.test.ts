import {describe, expect, it} from 'vitest';
import {parseDisks} from '../../../src/docker/disks.ts';
import {shareOut} from '../../../src/sources/postgres/room.ts';
import {sqlFailureIn} from '../../../src/sources/postgres/sqlstate.ts';
import {requireRoom, type Disk, type RoomNeed} from '../../../src/sources/room.ts';
import {TimetilesError} from '../../../src/shared/errors.ts';

const gibibyte = 1024 ** 3;

function disk(path: string, free: number, more: Partial<Disk> = {}): Disk {
  return {name: `the disk of ${path}`, path, device: 1, isInMemory: false, totalBytes: 100 * gibibyte, freeBytes: free * gibibyte, look: `df -h ${path}`, ...more};
}

function need(bytes: number, on: Disk): RoomNeed {
  return {what: `what goes to ${on.path}`, bytes: bytes * gibibyte, reserve: 0, disk: on};
}

describe('requireRoom', () => {
  it('adds up what shares a disk, by its number or, for layers and subvolumes, by its sizes', () => {
    const shared = [need(6, disk('/a', 10)), need(6, disk('/b', 10))];
    expect(() => requireRoom(shared)).toThrow(/needs 12.0 GiB .*the disk of \/a and the disk of \/b: 6.00 GiB for what goes to \/a, .*only 10.0 GiB free/);
    expect(() => requireRoom([need(6, disk('/a', 10)), need(6, disk('/', 10, {device: 2}))])).toThrow(/needs 12.0 GiB/);
    expect(() => requireRoom([need(6, disk('/a', 10)), need(6, disk('/b', 11, {device: 2}))])).not.toThrow();
    expect(() => requireRoom([need(6, disk('/a', 10, {isInMemory: true})), need(6, disk('/b', 10, {device: 2, isInMemory: true}))])).not.toThrow();
  });

  it('tells how much is missing, what has to stay free included', () => {
    try {
      requireRoom([{...need(10, disk('/a', 10)), reserve: gibibyte}]);
    } catch (error) {
      expect(error).toBeInstanceOf(TimetilesError);
      expect(error).toMatchObject({kind: 'no-room', room: {path: '/a', bytesMissing: gibibyte}});
      return;
    }
    throw new Error('nothing was missed');
  });
});

describe('shareOut', () => {
  const places = {dataDirectory: '/d', walBytes: gibibyte, walKept: false, walPresent: gibibyte / 2, tablespaces: []};
  const sizes = (bytes: number, more: Partial<typeof places> = {}) => shareOut(bytes * gibibyte, {...places, ...more}).map((share) => [share.path, Math.round((share.bytes / gibibyte) * 100) / 100]);

  it('counts the WAL up to its limit, less what is there, or all of it where something holds it back', () => {
    expect(sizes(10)).toEqual([['/d', 13], ['/d/pg_wal', 0.6]]);
    expect(sizes(0.1)).toEqual([['/d', 0.13], ['/d/pg_wal', 0]]);
    expect(sizes(10, {walKept: true})).toEqual([['/d', 13], ['/d/pg_wal', 11]]);
  });

  it('gives tablespaces the share that they have now', () => {
    expect(shareOut(10, {...places, tablespaces: [{path: '/t', share: 0.4}]}).map(({path, bytes}) => [path, bytes])).toEqual([['/d', 7.8], ['/d/pg_wal', 0], ['/t', 5.2]]);
  });
});

it('reads df and stat of GNU and of busybox, and leaves out what cannot be looked at', () => {
  const lines = ['65024', '/dev/vda         264212084 31986448  74404464      31% /var/lib/postgresql/data', '', '', '39', 'overlay          264212084 31986448  74404464  31% /', '', '//nas/my share  100 50 50 50% /mnt/my share'];
  expect(parseDisks(['/d', '/gone', '/', '/mnt/my share'], lines)).toEqual([
    {path: '/d', device: 65_024, source: '/dev/vda', totalBytes: 264_212_084 * 1024, freeBytes: 74_404_464 * 1024},
    {path: '/', device: 39, source: 'overlay', totalBytes: 264_212_084 * 1024, freeBytes: 74_404_464 * 1024},
    {path: '/mnt/my share', device: undefined, source: '//nas/my share', totalBytes: 102_400, freeBytes: 51_200},
  ]);
});

it.each([
  ['psql:<stdin>:3: ERROR:  53100: could not extend file "base/1": No space left on device', '53100'],
  ['FEHLER:  55006: auf Datenbank „x“ wird von anderen Benutzern zugegriffen', '55006'],
  ['psql: error: connection to server failed', undefined],
])('the kind of %s', (stderr, state) => {
  expect(sqlFailureIn(stderr)?.sqlstate).toBe(state);
});
