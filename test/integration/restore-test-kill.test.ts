import {readdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {afterAll, afterEach, beforeAll, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {signalAt, type Moment} from '../support/kill-restore.ts';
import {leftOfTests, liveStack, restoreTest, throwaways} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let live: string[];
let state: State;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  await fillStack(stack, {rows: 2000, files: 40, slowRows: 30});
  await backUp(stack, 'newest');
  live = await liveStack(stack);
  state = await stateOf(stack);
});
afterAll(() => stack?.stop());

// Whatever was killed, and whoever cleaned up: nobody touches what is live.
afterEach(async () => {
  expect(await leftOfTests(stack)).toEqual([]);
  expect(await liveStack(stack)).toEqual(live);
  expect(await stateOf(stack)).toEqual(state);
});

/** How many of this engine's volumes belong to a restore test. */
const volumes = () => readdirSync(dirname(dirname(stack.uploadsPath))).filter((name) => name.startsWith('timetiles-restore-test-')).length;
const test = ['backup', 'verify', '--restore-test'];

const moments: (Moment & {next?: string[]})[] = [
  {milliseconds: 200, next: ['backup', 'list']},
  {after: 'starting the throwaway stack', until: () => volumes() > 0, milliseconds: 0, next: ['doctor']},
  {after: 'starting the throwaway stack', milliseconds: 150},
  {after: 'starting the throwaway stack', milliseconds: 700, next: test},
  {after: 'restoring db into', milliseconds: 0},
  {after: 'restoring db into', milliseconds: 300, next: ['backup', 'prune']},
  {after: 'restoring uploads into', milliseconds: 150, next: ['restore', 'latest', '--dry-run']},
  {after: 'checking the restored db', milliseconds: 0},
  {after: 'checking the restored uploads', milliseconds: 0},
  {after: 'removing the throwaway stack', milliseconds: 0},
  {after: 'removing the throwaway stack', milliseconds: 100},
];

it.each(moments)('killed with -9 $milliseconds ms after "$after": the next command removes what it left', async ({next = ['backup', 'list'], ...moment}) => {
  const {running} = await signalAt(test, moment, 'SIGKILL', {stack});
  await running.exited;
  expect(await liveStack(stack)).toEqual(live);
  const left = (await throwaways(stack)).some((line) => line.startsWith('record'));
  const result = await timetiles(next, {stack});
  expectExit(result, 0);
  expect(result.stderr.includes('removed all that was left of an interrupted restore test')).toBe(left);
});

it('is cleaned up after although the clean-up is killed too', async () => {
  const {running} = await signalAt(test, {after: 'restoring db into', milliseconds: 0}, 'SIGKILL', {stack});
  await running.exited;
  for (const milliseconds of [0, 100]) {
    const cleaning = await signalAt(['backup', 'list'], {after: 'found an interrupted restore test', milliseconds}, 'SIGKILL', {stack}).catch(() => undefined);
    await cleaning?.running.exited;
  }
  expectExit(await timetiles(['backup', 'list'], {stack}), 0);
});

it.each<Moment>([
  {after: 'starting the throwaway stack', until: () => volumes() > 0, milliseconds: 0},
  {after: 'restoring db into', milliseconds: 200},
  {after: 'restoring uploads into', milliseconds: 50},
])('interrupted by Ctrl-C $milliseconds ms after "$after": exit 130, and nothing is left', async (moment) => {
  const {running} = await signalAt(test, moment, 'SIGINT', {stack});
  expectExit(await running.result, 130);
  expect(running.output().stderr).toContain('interrupted by SIGINT');
  expect(await throwaways(stack)).toEqual([]);
});

it('passes when nobody kills it', async () => {
  const result = await restoreTest(stack);
  expectExit(result, 0);
  expect(result.json().state).toBe('passed');
});
