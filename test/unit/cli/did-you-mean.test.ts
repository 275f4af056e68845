import {readdirSync} from 'node:fs';
import {describe, expect, it} from 'vitest';
import {nearestCommand, nearestFlag} from '../../../src/cli/did-you-mean.ts';

const ids = readdirSync(new URL('../../../src/commands', import.meta.url), {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.replace(/(\/index)?\.ts$/, '').replace('/', ':'));

describe('the command that was meant', () => {
  it.each([
    ['bakcup', 'backup'],
    ['backup:lst', 'backup:list'],
    ['bakup:list', 'backup:list'],
    ['list', 'backup:list'],
    ['status', 'backup:status'],
    ['statsu', 'backup:status'],
    ['verify', 'backup:verify'],
    ['check', 'config:check'],
    ['restor', 'restore'],
    ['docter', 'doctor'],
  ])('%s', (word, meant) => expect(nearestCommand(word, ids)).toBe(meant));

  it.each(['up', 'ps', 'logs', 'update', 'exec', '--nope', 'backup:list:extra', 'backup:everything'])('%s is like none', (word) => expect(nearestCommand(word, ids)).toBeUndefined());
});

describe('the flag that was meant', () => {
  const flags = ['only', 'dry-run', 'offsite', 'yes', 'json'];
  const usage = 'restore [latest|SET|SNAPSHOT] [--offsite] [--dry-run]';
  it.each([
    ['--lates', 'latest'],
    ['--latest', 'latest'],
    ['--of-site', '--offsite'],
    ['--dryrun', '--dry-run'],
    ['-yes', '--yes'],
    ['--nope', undefined],
    ['-x', undefined],
  ])('%s', (flag, meant) => expect(nearestFlag(flag, flags, usage)).toBe(meant));
});
