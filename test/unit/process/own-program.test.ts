import {mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, it} from 'vitest';
import {ownProgram} from '../../../src/process/own-program.ts';
import {temporaryDirectory} from '../support.ts';

/** A version of the tool below `tool/`, with `tool/current` leading to it. */
function installed({withRuntime}: {withRuntime: boolean}): {root: string; current: string; execPath: string} {
  const directory = realpathSync(temporaryDirectory());
  const root = join(directory, '1.0.0-abcdef01');
  mkdirSync(join(root, 'runtime', 'bin'), {recursive: true});
  if (withRuntime) writeFileSync(join(root, 'runtime', 'bin', 'node'), '');
  symlinkSync('1.0.0-abcdef01', join(directory, 'current'));
  return {root, current: join(directory, 'current'), execPath: withRuntime ? join(root, 'runtime', 'bin', 'node') : '/usr/bin/node'};
}

it('names the path that stays when the version changes, for the program and the Node that comes with it', () => {
  const {root, current, execPath} = installed({withRuntime: true});
  expect(ownProgram({root, execPath, environment: {TIMETILES_ROOT: current}})).toEqual({node: join(current, 'runtime/bin/node'), program: join(current, 'bin/run.js')});
});

it("names the machine's own Node where that one runs", () => {
  const {root, current, execPath} = installed({withRuntime: false});
  expect(ownProgram({root, execPath, environment: {TIMETILES_ROOT: current}})).toEqual({node: '/usr/bin/node', program: join(current, 'bin/run.js')});
});

it('names what Node resolved when it was not started by bin/timetiles', () => {
  const {root, execPath} = installed({withRuntime: true});
  expect(ownProgram({root, execPath, environment: {}})).toEqual({node: execPath, program: join(root, 'bin/run.js')});
});

it('believes no TIMETILES_ROOT of another installation', () => {
  const {root, execPath} = installed({withRuntime: true});
  const other = installed({withRuntime: true});
  expect(ownProgram({root, execPath, environment: {TIMETILES_ROOT: other.current}})).toMatchObject({program: join(root, 'bin/run.js')});
  rmSync(other.current);
  expect(ownProgram({root, execPath, environment: {TIMETILES_ROOT: other.current}})).toMatchObject({program: join(root, 'bin/run.js')});
});
