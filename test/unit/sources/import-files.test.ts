import {execFileSync} from 'node:child_process';
import {linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {readLayout} from '../../../src/sources/files/import/layout.ts';
import {isTarHeader, TarProblem, TarReader, type TarMember} from '../../../src/sources/files/import/tar-reader.ts';
import {temporaryDirectory} from '../support.ts';

interface Walked {
  members: TarMember[];
  /** The archive without what was not wanted. */
  passed: Buffer;
}

function walk(archive: Buffer, {pieceBytes = 65_536, wants = () => true}: {pieceBytes?: number; wants?: (member: TarMember) => boolean} = {}): Walked {
  const members: TarMember[] = [];
  const passed: Buffer[] = [];
  const reader = new TarReader((member) => {
    members.push(member);
    return wants(member);
  });
  for (let at = 0; at < archive.length; at += pieceBytes) {
    const piece = Buffer.from(archive.subarray(at, at + pieceBytes));
    passed.push(...reader.push(piece).map((part) => Buffer.from(part)));
    piece.fill(1);
  }
  reader.end();
  return {members, passed: Buffer.concat(passed)};
}

const longName = `${'directory/'.repeat(15)}${'x'.repeat(200)}`;

/** A directory `uploads` with all that an archive can hold, packed by GNU tar. */
function pack(...options: string[]): Buffer {
  const directory = temporaryDirectory();
  const uploads = join(directory, 'uploads');
  mkdirSync(join(uploads, longName, '..'), {recursive: true});
  writeFileSync(join(uploads, 'a.txt'), 'a'.repeat(1000));
  linkSync(join(uploads, 'a.txt'), join(uploads, 'hard'));
  symlinkSync('../../etc/passwd', join(uploads, 'soft'));
  writeFileSync(join(uploads, longName), 'long');
  writeFileSync(join(uploads, 'café\n'), '');
  writeFileSync(join(uploads, 'sparse'), 'begin');
  truncateSync(join(uploads, 'sparse'), 5_000_000);
  execFileSync('mkfifo', [join(uploads, 'pipe')]);
  return execFileSync('tar', ['--create', '--sort=name', `--directory=${directory}`, ...options, 'uploads'], {maxBuffer: 2 ** 26});
}

const text = (member: TarMember) => Buffer.from(member.path, 'latin1').toString();

describe('a tar archive', () => {
  it.each([
    ['GNU', ['--format=gnu'], 100_000],
    ['GNU with holes', ['--format=gnu', '--sparse'], 100_000],
    ['pax', ['--format=posix'], 100_000],
    ['pax with holes', ['--format=posix', '--sparse'], 511],
    ['pax in small pieces', ['--format=posix', '--sparse'], 7],
    ['GNU in small pieces', ['--format=gnu', '--sparse'], 13],
  ])('of the format %s is read as tar lists it', (_, options, pieceBytes) => {
    const archive = pack(...options);
    const {members, passed} = walk(archive, {pieceBytes});
    expect(isTarHeader(archive)).toBe(true);
    const listed = execFileSync('tar', ['--list', '--quoting-style=literal', '--null', '--show-transformed-names'], {input: archive}).toString().trimEnd();
    expect(members.map(text).join('\n')).toBe(listed);
    expect(Object.fromEntries(members.map((member) => [text(member), [member.kind, member.bytes]]))).toMatchObject({
      'uploads/': ['directory', 0],
      'uploads/a.txt': ['file', 1000],
      'uploads/hard': ['link', 0],
      'uploads/soft': ['link', 0],
      'uploads/pipe': ['other', 0],
      'uploads/sparse': ['file', 5_000_000],
      [`uploads/${longName}`]: ['file', 4],
    });
    expect(passed.equals(archive.subarray(0, passed.length))).toBe(true);
  });

  it.each([['--format=gnu'], ['--format=posix']])('is whole without what is left out (%s)', (format) => {
    const {passed} = walk(pack(format, '--sparse'), {wants: ({path}) => !path.endsWith('x') && !path.endsWith('sparse'), pieceBytes: 1000});
    const listed = execFileSync('tar', ['--list'], {input: passed}).toString();
    expect(listed).toContain('uploads/a.txt');
    expect(listed).toContain('uploads/soft');
    expect(listed).not.toMatch(/xxx|sparse/);
  });

  it.each<[string, (archive: Buffer) => Buffer, RegExp]>([
    ['ends early', (archive) => archive.subarray(0, 3000), /not whole/],
    ['ends between two members', (archive) => archive.subarray(0, 512), /not whole/],
    ['ends without the mark of the end', (archive) => archive.subarray(0, archive.length - 10_240), /not whole/],
    ['has a flipped bit in a header', (archive) => Buffer.concat([archive.subarray(0, 515), Buffer.from('!'), archive.subarray(516)]), /damaged: there is no header at byte 512/],
    ['is two', (archive) => Buffer.concat([archive, archive]), /more after its end/],
  ])('that %s is a problem', (_, change, message) => {
    const archive = pack('--format=ustar', '--exclude=directory', '--exclude=sparse');
    expect(() => walk(change(archive))).toThrow(TarProblem);
    expect(() => walk(change(archive))).toThrow(message);
  });

  it('is told from other files', () => {
    expect(isTarHeader(Buffer.alloc(1024))).toBe(false);
    expect(isTarHeader(Buffer.from('--\n-- PostgreSQL database dump\n'.padEnd(600)))).toBe(false);
    expect(isTarHeader(Buffer.from('short'))).toBe(false);
  });
});

describe('where the uploads are in an archive', () => {
  const root = (paths: string[], strip?: number) => {
    const layout = readLayout();
    for (const path of paths) layout.add({path, kind: path.endsWith('/') ? 'directory' : 'file', bytes: 1});
    return layout.root(strip).join('/');
  };
  it.each<[string, string[], string]>([
    ['the folder that tar was given', ['uploads/', 'uploads/a', 'uploads/media/', 'uploads/media/b'], 'uploads'],
    ['though all files are in one folder of it', ['uploads/', 'uploads/media/', 'uploads/media/b'], 'uploads'],
    ['the point', ['./', './media/', './media/b'], ''],
    ['a path from the root', ['var/lib/docker/volumes/shop_uploads/_data/', 'var/lib/docker/volumes/shop_uploads/_data/a'], 'var/lib/docker/volumes/shop_uploads/_data'],
    ['the same with its slash', ['/srv/uploads/', '/srv/uploads/a'], 'srv/uploads'],
    ['several things', ['a', 'b/', 'b/c'], ''],
    ['several folders', ['uploads/', 'uploads/a', 'other/', 'other/b'], ''],
    ['without folders, by the usual name', ['srv/uploads/media/a', 'srv/uploads/media/b'], 'srv/uploads'],
    ['without folders, and no usual name', ['media/a', 'media/b'], ''],
  ])('%s', (_, paths, expected) => {
    expect(root(paths)).toBe(expected);
  });

  it.each<[string, string[], string[], boolean]>([
    ['the folder that tar was given', ['uploads/', 'uploads/a'], ['uploads'], true],
    ['the point, wherever it stands', ['./a', './'], [], true],
    ['files alone', ['a', 'b/', 'b/c'], [], false],
    ['a folder without an entry', ['uploads/media/', 'uploads/media/b', 'uploads/c'], ['uploads'], false],
  ])('mode and owner of it are told or not: %s', (_, paths, expected, isDescribed) => {
    const layout = readLayout();
    for (const path of paths) layout.add({path, kind: path.endsWith('/') ? 'directory' : 'file', bytes: 1});
    expect(layout.root(undefined)).toEqual(expected);
    expect(layout.describes(expected)).toBe(isDescribed);
  });

  it('the operator knows better', () => {
    expect(root(['media/', 'media/a'], 0)).toBe('');
    expect(root(['a/b/c', 'a/b/d'], 2)).toBe('a/b');
    expect(() => root(['a/b/c', 'a/d/e'], 2)).toThrow(/do not share 2 top folders, only: a$/);
  });

  it.each(['../a', 'uploads/../../a', '/..', '..'])('the member %s is a problem', (path) => {
    expect(() => root([path])).toThrow(/leads out of it/);
  });
});
