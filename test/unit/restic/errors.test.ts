import {describe, expect, it} from 'vitest';
import {classifyResticFailure, resticError} from '../../../src/restic/errors.ts';

const handle = {repository: '/srv/my repo', options: [], environment: {}, roots: new Map()};
const exitError = (code: number, message: string) => `${JSON.stringify({message_type: 'exit_error', code, message})}\n`;
const lockRemark = 'lock was created at 2026-11-21 03:51:21 (2.4s ago)\nstorage ID 63831ab3\nthe `unlock` command can be used to remove stale locks';
const locked = `unable to create lock in backend: repository is already locked by PID 31761 on vm by root (UID 0, GID 0)\n${lockRemark}`;
const noConfig = 'unable to open config file: stat /srv/my repo/config: no such file or directory\nIs there a repository at the following location?\n/srv/my repo';

// What restic 0.14, 0.18 and 0.19 really print.
const failures = [
  ['wrong password', '0.14', 1, 'Fatal: wrong password or no key found\n', 'repository-password'],
  ['wrong password', '0.18', 12, exitError(12, 'Fatal: wrong password or no key found'), 'repository-password'],
  ['no repository', '0.14', 1, `Fatal: ${noConfig}\n`, 'repository-missing'],
  ['no repository', '0.18', 10, exitError(10, `Fatal: repository does not exist: ${noConfig}`), 'repository-missing'],
  ['locked', '0.14', 1, `${locked}\n`, 'repository-locked'],
  ['locked', '0.18, text', 11, `repo already locked, waiting up to 0s for the lock\n${locked}\n`, 'repository-locked'],
  ['locked', '0.18, JSON', 11, exitError(11, locked), 'repository-locked'],
  ['read-only', '0.14', 1, 'Save(<lock/dd06059fea>) returned error, retrying after 552.330144ms: open /r/locks/dd: read-only file system\nunable to create lock in backend\n', 'repository-readonly'],
  ['read-only', '0.18', 1, exitError(1, 'unable to create lock in backend: open /r/locks/dd: read-only file system'), 'repository-readonly'],
  ['full disk', '0.14', 1, 'Save(<data/ab>) returned error, retrying after 1s: write /r/data/ab: no space left on device\nFatal: unable to save snapshot\n', 'repository-full'],
  ['full disk', '0.18', 1, exitError(1, 'Fatal: unable to save snapshot: write: no space left on device'), 'repository-full'],
  ['full disk behind an exit code', '0.18', 11, 'unable to create lock in backend: write /r/locks/x: no space left on device\n', 'repository-full'],
  ['quota', '0.14', 1, 'Fatal: write: disk quota exceeded\n', 'repository-full'],
  ['unreadable keys', '0.14', 1, 'Fatal: unable to open repository at /r: ReadDir: open /r/keys: permission denied\n', 'permission'],
  ['unreadable config', '0.18', 1, exitError(1, 'Fatal: unable to open config file: stat /r/config: permission denied\nIs there a repository at the following location?\n/r'), 'permission'],
  ['unwritable locks', '0.18', 1, exitError(1, 'unable to create lock in backend: open /r/locks/6c5a: permission denied'), 'permission'],
  ['interrupted', '0.18', 130, exitError(130, 'Fatal: unable to save snapshot: context canceled'), 'interrupted'],
  ['killed', 'any', undefined, '', 'repository'],
  ['anything else', '0.14', 1, 'invalid id "deadbeef": no matching ID found for prefix "deadbeef"\n', 'repository'],
  ['anything else', '0.18', 1, exitError(1, 'Fatal: failed to find snapshot: no matching ID found'), 'repository'],
] as const;

describe('classifyResticFailure', () => {
  it.each(failures)('%s (restic %s)', (_name, _version, exitCode, stderr, kind) => {
    expect(classifyResticFailure(exitCode, stderr)).toBe(kind);
  });
});

describe('resticError', () => {
  const errorOf = (exitCode: number | undefined, stderr: string, signal?: string) => resticError(handle, 'listing snapshots', {exitCode, signal, stdout: '', stderr});

  it.each(failures)('tells of %s (restic %s) on one line, with a remedy', (_name, _version, exitCode, stderr) => {
    const {message, next} = errorOf(exitCode, stderr);
    expect(message).toMatch(/\S/);
    expect(message).not.toMatch(/\n|message_type|Fatal:|storage ID/);
    expect(next).toMatch(/^[A-Z].*[^ ]$/);
    expect(next).not.toContain('\n');
  });

  it('has a remedy of its own for each of the four that are told apart', () => {
    const remedies = ['Fatal: wrong password or no key found', noConfig, locked, 'no space left on device'].map((text) => errorOf(1, text).next);
    expect(new Set(remedies).size).toBe(4);
  });

  it('tells why restic broke off, not the end of its trace', () => {
    const trace = 'goroutine 1 gp=0xc000002380 m=0 mp=0x1c8a4e0 [running]:\nmain.main()\n\t/build/main.go:12 +0x1\nruntime.goexit({})\n\truntime/asm_amd64.s:1700 +0x1 fp=0xc00008\n';
    const wordsByStart = [
      ['runtime: failed to create new OS thread (have 9 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)\nfatal error: newosproc\n\nruntime stack:\n', 'runtime: failed to create new OS thread (have 9 already; errno=11); fatal error: newosproc'],
      ['panic: runtime error: index out of range [3] with length 3\n\n', 'panic: runtime error: index out of range [3] with length 3'],
      ['SIGQUIT: quit\nPC=0x47a8a1 m=0 sigcode=0\n\n', 'SIGQUIT: quit'],
    ] as const;
    for (const [start, words] of wordsByStart) {
      const error = errorOf(2, `${start}${trace}`);
      expect(error.message).toBe(`listing snapshots failed: restic broke off: ${words}`);
      expect(error.next).toContain('free -m');
    }
    expect(errorOf(1, 'panic: not a trace\nFatal: something else\n').message).toBe('listing snapshots failed: something else');
  });

  it('tells an error that restic prints with a trace, JSON or not, from its outermost words to its cause', () => {
    const trace = 'github.com/restic/restic/internal/fs.Write\n\t/build/internal/fs/file.go:12\nmain.main\n\t/build/cmd/restic/main.go:99\nruntime.goexit\n\truntime/asm_amd64.s:1771';
    const text = `write x: input/output error\n${trace}\nSave\n${trace}`;
    for (const stderr of [exitError(1, text), `${text}\n`]) expect(errorOf(1, stderr).message).toBe('listing snapshots failed: Save: write x: input/output error');
  });

  it('names who holds the lock', () => {
    for (const stderr of [locked, exitError(11, locked)]) {
      const error = errorOf(11, stderr);
      expect(error.message).toBe('the repository /srv/my repo is locked by another restic (repository is already locked by PID 31761 on vm by root (UID 0, GID 0))');
      expect(error.next).toContain("restic -r '/srv/my repo' unlock");
      expect(error.exitCode).toBe(4);
    }
  });

  it('gives the action and the last words of what it does not know', () => {
    expect(errorOf(1, 'first\nFatal: something odd\n').message).toBe('listing snapshots failed: something odd');
    expect(errorOf(1, exitError(1, 'Fatal: something odd')).message).toBe('listing snapshots failed: something odd');
    expect(errorOf(1, 'repository 1234 opened\nno good\n').message).toBe('listing snapshots failed: no good');
    expect(errorOf(undefined, '', 'SIGKILL').message).toBe('listing snapshots failed: signal SIGKILL');
    expect(errorOf(7, '').message).toBe('listing snapshots failed: exit code 7');
    expect(errorOf(1, '{broken json').message).toBe('listing snapshots failed: {broken json');
  });
});
