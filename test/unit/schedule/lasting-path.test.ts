import {mkdirSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {expect, it} from 'vitest';
import {lastingPath} from '../../../src/schedule/lasting-path.ts';
import {temporaryDirectory} from '../support.ts';

it('leads through current where that is this version, and nowhere else', () => {
  const tool = join(realpathSync(temporaryDirectory()), 'tool');
  const fileIn = (version: string) => {
    const path = join(tool, version, 'bin', 'run.js');
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, '');
    return path;
  };
  const [present, old] = [fileIn('0.2.0-aaaaaaaa'), fileIn('0.1.0-bbbbbbbb')];
  symlinkSync('0.2.0-aaaaaaaa', join(tool, 'current'));
  const lasting = join(tool, 'current', 'bin', 'run.js');
  expect([present, lasting, old, '/usr/bin/node'].map(lastingPath)).toEqual([lasting, lasting, old, '/usr/bin/node']);
});
