import {describe, expect, it} from 'vitest';
import {directoryBackupArgs, streamBackupArgs} from '../../../src/restic/backup.ts';
import {atTime, createResticHandle} from '../../../src/restic/handle.ts';
import {restoreArgs} from '../../../src/restic/restore.ts';
import {isAtLeast, parseResticVersion} from '../../../src/restic/version.ts';

const version = (minor: number) => ({text: `0.${minor}.0`, major: 0, minor});

describe('argv of restic', () => {
  it('a directory is read from inside, with its tags', () => {
    const tags = ['timetiles', 'set:1', 'uploads'];
    const rest = ['--tag', 'timetiles', '--tag', 'set:1', '--tag', 'uploads', '.'];
    expect(directoryBackupArgs({tags}, {text: '0.15', major: 0, minor: 15}, true)).toEqual(['backup', '--json', ...rest]);
    expect(directoryBackupArgs({tags}, {text: '0.15', major: 0, minor: 15}, false)).toEqual(['backup', '--json', '--no-scan', ...rest]);
    expect(directoryBackupArgs({tags}, {text: '0.14', major: 0, minor: 14}, false)).toEqual(['backup', '--json', ...rest]);
  });

  it('a stream gets its name in the snapshot', () => {
    expect(streamBackupArgs('/database.sql', {tags: ['db']})).toEqual(['backup', '--json', '--tag', 'db', '--stdin', '--stdin-filename', '/database.sql']);
  });

  it('a snapshot of another time tells it in UTC', () => {
    const time = new Date('2024-05-31T02:03:04.567+02:00');
    expect(streamBackupArgs('/database.sql', {tags: ['db'], time})).toContain('2024-05-31 00:03:04');
    expect(atTime(createResticHandle({repository: '/r', password: 'p', variables: {TZ: 'Asia/Tokyo'}}), time)).toMatchObject({snapshotTime: time, environment: {TZ: 'UTC'}});
  });

  it.each([
    ['0.14', version(14), []],
    ['0.15', version(15), ['--sparse']],
    ['0.16', version(16), ['--json', '--sparse']],
    ['0.19', version(19), ['--json', '--sparse']],
    ['1.0', {text: '1.0.0', major: 1, minor: 0}, ['--json', '--sparse']],
  ])('a restore by restic %s uses what that version knows', (_, given, flags) => {
    expect(restoreArgs({snapshot: 'abc', target: '/t'}, given, true)).toEqual(['restore', '--verify', ...flags, '--target', '/t', 'abc']);
  });

  it('takes no lock where none can be written', () => {
    expect(restoreArgs({snapshot: 'abc', target: '/t'}, version(14), false)).toContain('--no-lock');
  });

  it.each([
    ['/a b/c', '/a b/c'],
    ['/-rf', '/-rf'],
    ['/100% [new]*?.jpg', String.raw`/100% \[new\]\*\?.jpg`],
    [String.raw`/back\slash`, String.raw`/back\\slash`],
  ])('the path %s means itself, not a pattern', (path, pattern) => {
    const args = restoreArgs({snapshot: 'abc', target: '/t', path}, version(14), true);
    expect(args[args.indexOf('--include') + 1]).toBe(pattern);
  });
});

describe('createResticHandle', () => {
  const base = {repository: '/r', password: 's3cret', variables: {}};

  it('passes password and repository in the environment', () => {
    expect(createResticHandle(base).environment).toMatchObject({RESTIC_PASSWORD: 's3cret', RESTIC_REPOSITORY: '/r', RESTIC_PROGRESS_FPS: '2'});
  });

  it('lets the one password win over the other ways to give one', () => {
    const variables = {RESTIC_PASSWORD_FILE: '/f', RESTIC_PASSWORD_COMMAND: 'c', RESTIC_COMPRESSION: 'max'};
    const {environment} = createResticHandle({...base, variables});
    expect(environment['RESTIC_COMPRESSION']).toBe('max');
    expect(Object.keys(environment)).not.toContain('RESTIC_PASSWORD_FILE');
    expect(Object.keys(environment)).not.toContain('RESTIC_PASSWORD_COMMAND');
    expect(createResticHandle({...base, password: undefined, variables}).environment).toMatchObject({RESTIC_PASSWORD_FILE: '/f', RESTIC_PASSWORD_COMMAND: 'c'});
  });

  it('hands on nothing of this process that could be a secret', () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'leak';
    try {
      expect(JSON.stringify(createResticHandle(base).environment)).not.toContain('leak');
    } finally {
      delete process.env['AWS_SECRET_ACCESS_KEY'];
    }
  });
});

describe('restic version', () => {
  it.each([
    ['restic 0.14.0 compiled with go1.19.8 on linux/amd64', {text: '0.14.0', major: 0, minor: 14}],
    ['restic 0.18.0-dev (compiled manually) compiled with go1.24', {text: '0.18.0-dev', major: 0, minor: 18}],
    ['restic 1.2.3', {text: '1.2.3', major: 1, minor: 2}],
    ['bash: restic: command not found', undefined],
    ['', undefined],
  ])('%j', (output, expected) => {
    expect(parseResticVersion(output)).toEqual(expected);
  });

  it.each([
    [14, 14, true],
    [13, 14, false],
    [19, 14, true],
  ])('0.%i is at least 0.%i: %s', (has, wanted, answer) => {
    expect(isAtLeast(version(has), {major: 0, minor: wanted})).toBe(answer);
  });
});
