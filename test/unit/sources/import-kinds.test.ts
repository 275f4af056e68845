import {execFileSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {compressionOf, obstacleIn} from '../../../src/sources/foreign/compression.ts';
import {openForeignFile, readContent} from '../../../src/sources/foreign/file.ts';
import {readArchiveHeader} from '../../../src/sources/postgres/import/archive-header.ts';
import {recogniseDump} from '../../../src/sources/postgres/import/import.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

const {signal} = new AbortController();

function written(name: string, content: string | Buffer): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

describe('what is in a file is told by its content', () => {
  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)('compressed by %s, also in several parts', async (program) => {
    const part = (text: string) => execFileSync(program, ['--stdout'], {input: text});
    const long = '0123456789'.repeat(30_000);
    const path = written('dump.txt', Buffer.concat([part(long), part('the end')]));
    const file = await openForeignFile(path, signal);
    expect(file.compression?.program).toBe(program);
    expect(file.head.toString()).toBe(long.slice(0, 65_536));
    const parts: Buffer[] = [];
    for await (const chunk of readContent(file, signal)) parts.push(chunk);
    expect(Buffer.concat(parts).toString()).toBe(`${long}the end`);
  });

  it.each(['gzip', 'bzip2', 'xz', 'zstd'] as const)('what %s left unfinished is refused', async (program) => {
    const whole = execFileSync(program, ['--stdout'], {input: Buffer.from(Array.from({length: 300_000}, (_, index) => (index * 7919) % 251))});
    const path = written('dump', whole.subarray(0, whole.length - 5));
    const read = async () => {
      for await (const chunk of readContent({path, compression: compressionOf(whole)}, signal)) expect(chunk.length).toBeGreaterThan(0);
    };
    expect(await thrownBy(read)).toMatchObject(problem('import', `is damaged or not whole: ${program} says`, 'another copy'));
  });

  it.each<[string, string | readonly number[], RegExp]>([
    ['age', 'age-encryption.org/v1\n', /encrypted with age/],
    ['GnuPG, as text', '-----BEGIN PGP MESSAGE-----\n', /encrypted with GnuPG/],
    ['GnuPG, for a key', [0x85, 0x01, 0x0c, 0x03], /encrypted with GnuPG/],
    ['GnuPG, with a password', [0x8c, 0x0d, 0x04, 0x09], /encrypted with GnuPG/],
    ['openssl', 'Salted__12345678', /encrypted with openssl/],
    ['zip', [0x50, 0x4b, 0x03, 0x04], /zip/],
    ['MySQL', '-- MySQL dump 10.13', /MySQL/],
    ['SQLite', 'PRAGMA foreign_keys=OFF;', /SQLite/],
    ['nothing', '', /is empty/],
    ['a note', 'remember the milk', /neither a dump of pg_dump nor a tar archive/],
  ])('%s is an obstacle', (_, head, what) => {
    expect(obstacleIn(typeof head === 'string' ? Buffer.from(head) : Uint8Array.from(head)).what).toMatch(what);
  });

  it('a directory and a file that is not there are refused', async () => {
    const directory = temporaryDirectory();
    expect(await thrownBy(() => openForeignFile(directory, signal))).toMatchObject(problem('import', 'is a directory', 'tar cf'));
    expect(await thrownBy(() => openForeignFile(join(directory, 'x'), signal))).toMatchObject(problem('import', 'is not there'));
  });
});

/** The beginning of an archive, as pg_dump of PostgreSQL 17 (1.16) or 15 (1.14) writes it. */
function archive({minor = 16, format = 1} = {}): Buffer {
  const int = (value: number) => [0, value & 0xff, (value >> 8) & 0xff, 0, 0];
  const text = (value: string) => [...int(value.length), ...Buffer.from(value)];
  const compression = minor >= 15 ? [1] : int(-1);
  return Buffer.from([...Buffer.from('PGDMP'), 1, minor, 0, 4, 8, format, ...compression, ...[5, 4, 3, 31, 4, 124, 0].flatMap(int), ...text('app'), ...text('17.6 (Debian)'), ...text('17.6')]);
}

describe('the header of an archive of pg_dump', () => {
  it.each([[16, 1, 'custom'], [16, 3, 'tar'], [14, 1, 'custom'], [14, 5, 'directory']] as const)('version 1.%i, format %i', (minor, format, name) => {
    expect(readArchiveHeader(archive({minor, format}))).toEqual({format: name, time: new Date('2024-05-31T03:04:05Z'), server: '17.6 (Debian)'});
  });

  it('that is cut off or strange tells nothing', () => {
    expect(readArchiveHeader(Buffer.from('PGDMP'))).toEqual({format: 'unknown', time: undefined, server: undefined});
    expect(readArchiveHeader(Buffer.from('-- PostgreSQL'))).toBeUndefined();
  });
});

describe('recogniseDump', () => {
  const recognise = (head: Buffer | string) => recogniseDump({path: '/f', bytes: 1, modified: new Date(0), compression: undefined, head: Buffer.from(head)});
  const header = '--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 16.3 (Debian 16.3-1)\n';

  it.each([
    ['a plain dump', header, 'dump of PostgreSQL 16.3', undefined],
    ['one that tells its time', `${header}\n-- Started on 2024-05-31 02:03:04 UTC\n`, 'dump of PostgreSQL 16.3', '2024-05-31T02:03:04.000Z'],
    ['one with a zone whose name means several', `${header}\n-- Started on 2024-05-31 02:03:04 CST\n`, 'dump of PostgreSQL 16.3', undefined],
    ['an archive', archive(), 'archive (custom) of pg_dump of PostgreSQL 17.6', '2024-05-31T03:04:05.000Z'],
    ['a tar archive of pg_dump', Buffer.concat([Buffer.from('toc.dat\0'.padEnd(512, '\0')), archive({format: 3})]), 'archive (tar) of pg_dump of PostgreSQL 17.6', '2024-05-31T03:04:05.000Z'],
  ])('%s', (_, head, kind, time) => {
    const found = recognise(head);
    expect([found?.kind, found?.time?.toISOString()]).toEqual([kind, time]);
  });

  it('leaves other files to others, and refuses what is no dump of one database', async () => {
    expect(recognise('select 1;')).toBeUndefined();
    expect(await thrownBy(() => recognise('--\n-- PostgreSQL database cluster dump\n--\n'))).toMatchObject(problem('import', 'pg_dumpall', 'pg_dump'));
    expect(await thrownBy(() => recognise(archive({format: 5})))).toMatchObject(problem('import', 'directory format', 'pg_restore'));
  });
});
