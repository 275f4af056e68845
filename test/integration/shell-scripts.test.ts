import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {expect, test} from 'vitest';
import {checkout} from '../support/paths.ts';

const {stdout} = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {cwd: checkout});
const scripts = stdout.split('\0').filter((path) => {
  if (path === '' || path.startsWith('test/fixtures/')) return false;
  return path.endsWith('.sh') || /^#!.*\b(ba)?sh\b/.test(readFileSync(join(checkout, path), 'latin1').slice(0, 60));
});

test('shellcheck has nothing to say about any script', async () => {
  expect(scripts).toEqual(expect.arrayContaining(['.ci/run', 'bin/timetiles', 'bootstrap/bootstrap.sh', 'bootstrap/uninstall.sh', 'test/setup/prepare.sh']));
  const result = await execa('shellcheck', scripts, {cwd: checkout, reject: false});
  expect(result.stdout).toBe('');
  expect(result.exitCode).toBe(0);
});

test('every program of bash stops at the first failure and at names that are not set', () => {
  const programs = scripts.filter((path) => readFileSync(join(checkout, path), 'utf8').startsWith('#!/usr/bin/env bash'));
  expect(programs.filter((path) => !/^set -euo pipefail$/m.test(readFileSync(join(checkout, path), 'utf8')))).toEqual([]);
});
