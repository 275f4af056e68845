import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, afterEach, beforeAll, describe, expect, it} from 'vitest';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
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
  await makeCheapRepository(stack);
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

describe('with a set', () => {
  let before: string;
  beforeAll(async () => {
    writeFileSync(file(), 'first');
    await succeed(['backup'], stack);
    writeFileSync(file(), 'live');
    before = await stateOf(stack);
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
});
