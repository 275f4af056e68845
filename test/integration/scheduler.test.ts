import {existsSync} from 'node:fs';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {startTimetiles, timetiles, type RunningTimetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {holdDump} from '../support/dump.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import {isRunning, processesNaming, waitUntil} from '../support/processes.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await growDatabase(stack, 20);
  await stack.writeConfig();
});
afterAll(() => stack.stop());

const start = (args: string[], env: Record<string, string> = {}) => {
  const running = startTimetiles(args, {stack, env});
  running.stdin.end();
  return running;
};
const says = (running: RunningTimetiles, text: string | RegExp, limitSeconds = 60) => waitUntil(() => new RegExp(text).test(running.output().stderr), limitSeconds * 1000);
const setsIn = async (repository: string) => (await plainSnapshots(stack, {repository})).filter(({tags}) => tags.includes('manifest')).length;

test('of two runs at once, one works; the other exits 4, or waits as long as it is told', async () => {
  const first = start(['backup', 'db', '--json']);
  const dump = await holdDump(stack);
  const patient = start(['backup', 'uploads', '--wait', '60s', '--json']);
  expect(await says(patient, 'waiting up to 1m 00s: another run holds the lock')).toBe(true);
  const others = await Promise.all([timetiles(['backup'], {stack}), timetiles(['backup', '--wait', '1s'], {stack}), timetiles(['backup', 'prune', '--wait', '1s'], {stack})]);
  const interrupted = start(['backup', 'verify', '--wait', '1h']);
  await says(interrupted, 'waiting up to 1h 00m');
  interrupted.kill('SIGTERM');
  expect(await interrupted.exited).toBe(130);
  dump.resume();
  expect(others.map(({exitCode}) => exitCode)).toEqual([4, 4, 4]);
  expect((await first.result).exitCode).toBe(0);
  expect((await patient.result).json()).toMatchObject({state: 'complete'});
});

test('of two runs that make up for a missed backup, one makes a set and the other finds it', async () => {
  const env = {RESTIC_REPOSITORY: `${stack.scratch}/missed`};
  const args = ['backup', '--if-older-than', '25h', '--wait', '60s', '--json'];
  const results = await Promise.all([start(args, env).result, start(args, env).result]);
  expect(results.map(({exitCode}) => exitCode)).toEqual([0, 0]);
  expect(new Set(results.map((result) => result.json().state))).toEqual(new Set(['complete', 'fresh']));
  expect(await setsIn(env.RESTIC_REPOSITORY)).toBe(1);
  const later = await timetiles(['backup', '--if-older-than', '25h'], {stack, env});
  expect(later.stdout).toMatch(/^Set \S+ was made (just now|\d min ago): nothing to do\.$/m);
  expect((await timetiles(['backup', '--if-older-than', '0'], {stack, env})).stdout).toContain('is complete');
});

test('the scheduler makes up for a missed backup, makes one at its time, and ends with 0 at SIGTERM', async () => {
  const env = {RESTIC_REPOSITORY: `${stack.scratch}/scheduled`};
  const running = start(['scheduler', '--schedule', '* * * * *'], env);
  expect(await says(running, 'backup --wait 30m --if-older-than 2h: ended with exit code 0')).toBe(true);
  expect(await says(running, 'backup --wait 30s: begins', 75)).toBe(true);
  expect(await says(running, 'backup --wait 30s: ended with exit code 0')).toBe(true);
  running.kill('SIGTERM');
  expect(await running.exited).toBe(0);
  expect(await setsIn(env.RESTIC_REPOSITORY)).toBeGreaterThanOrEqual(2);
});

test('SIGTERM lets the scheduler’s backup end in order before the scheduler does', async () => {
  const env = {RESTIC_REPOSITORY: `${stack.scratch}/stopped`};
  const running = start(['scheduler'], env);
  const dump = await holdDump(stack);
  running.kill('SIGTERM');
  expect(await running.exited).toBe(130);
  dump.resume();
  expect(running.output().stderr).toMatch(/interrupted by SIGTERM[^]*ended with exit code 130/);
  await expectNothingLeft(stack, {repository: env.RESTIC_REPOSITORY});
  expect((await timetiles(['backup'], {stack, env})).exitCode).toBe(0);
});

test('a second SIGTERM ends the scheduler although its backup does not end', async () => {
  const env = {RESTIC_REPOSITORY: `${stack.scratch}/stubborn`};
  const running = start(['scheduler'], env);
  const dump = await holdDump(stack);
  const [child = 0] = (await processesNaming('--if-older-than')).filter((pid) => existsSync(`/proc/${pid}`));
  process.kill(child, 'SIGSTOP');
  running.kill('SIGTERM');
  await says(running, 'SIGTERM received');
  expect(await isRunning(running.pid)).toBe(true);
  running.kill('SIGTERM');
  expect(await running.exited).toBe(130);
  dump.resume();
  expect(running.output().stderr).toContain('ended with signal SIGKILL');
});
