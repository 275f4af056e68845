import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {type Stack, startStack} from '../support/stack.ts';
import {waitUntil} from '../support/processes.ts';
import {openTerminal, type Terminal} from '../support/terminal.ts';
import {leftoverProcesses} from '../support/tracks.ts';
import {useBench} from '../support/use-bench.ts';
import {stateOf, succeed} from './support.ts';

let stack: Stack;
let terminal: Terminal | undefined;
const file = () => join(stack.uploadsPath, 'photo.jpg');

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.writeConfig();
});
afterAll(() => stack.stop());
afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

async function start(...args: string[]): Promise<Terminal> {
  terminal = await openTerminal(args, {stack});
  return terminal;
}

it('there is nothing to pick from before the first backup', async () => {
  const screen = await start('restore');
  expect(await screen.exitCode()).toBe(1);
  expect(await screen.screen()).toContain('Check RESTIC_REPOSITORY');
});

describe('with two sets', () => {
  let before: string;
  beforeAll(async () => {
    for (const content of ['first', 'second']) {
      writeFileSync(file(), content);
      await stack.psql(`create table if not exists t (a text); insert into t values ('${content}')`);
      await succeed(['backup'], stack);
    }
    writeFileSync(file(), 'live');
    before = await stateOf(stack);
  });

  it.each([['C-c'], ['Escape']])('%s at the list ends with 130, and nothing is changed', async (key) => {
    const screen = await start('restore');
    expect(await screen.waitFor('Which set?')).toMatch(/● \d{8}T\d{6}Z-[0-9a-f]{4} +just now|● \d{8}T\d{6}Z-[0-9a-f]{4} +\d+ min ago/);
    await screen.press(key);
    expect(await screen.exitCode()).toBe(130);
    expect(await screen.screen()).toMatch(/Error: interrupted by the operator\nNothing half done was kept/);
    expect(await stateOf(stack)).toBe(before);
  });

  it.each([
    ['C-c', ['C-c'], /Error: interrupted by the operator\n/],
    ['Enter, for no is the default', ['Enter'], /Error: the restore was declined\nNothing was changed\./],
    ['n', ['n'], /Error: the restore was declined\nNothing was changed\./],
  ])('%s at the question ends with 130, and nothing is changed', async (_, keys, said) => {
    const screen = await start('restore', 'latest', '--quiet');
    const question = await screen.waitFor('Replace the live data?');
    // What it is about is told, even with --quiet.
    for (const part of ['replaces db and uploads', 'saved as a set of its own', `stopped meanwhile: ${stack.web[0]}`]) expect(question).toContain(part);
    await screen.press(...keys);
    expect(await screen.exitCode()).toBe(130);
    expect(await screen.screen()).toMatch(said);
    expect(await stateOf(stack)).toBe(before);
    await screen.close();
    expect(await waitUntil(async () => (await leftoverProcesses(stack)).length === 0, 5000)).toBe(true);
  });

  it('Ctrl-C at the question after the list changes nothing either', async () => {
    const screen = await start('restore');
    await screen.waitFor('Which set?');
    await screen.press('Enter');
    await screen.waitFor('Replace the live data?');
    await screen.press('C-c');
    expect(await screen.exitCode()).toBe(130);
    expect(await stateOf(stack)).toBe(before);
  });

  it('the one that is picked is restored after a yes', async () => {
    rmSync(file());
    const screen = await start('restore');
    await screen.waitFor('Which set?');
    await screen.press('Down', 'Enter');
    await screen.waitFor('Replace the live data?');
    await screen.press('y');
    expect(await screen.exitCode()).toBe(0);
    expect(await screen.screen()).toMatch(/Restored db and uploads from set .*\nRunning again: .*\nThe state before is set /);
    expect(await stack.psql('select string_agg(a, chr(44)) from t')).toBe('first');
    expect(await stack.states()).toEqual(['postgres running', 'web running']);
  });
});
