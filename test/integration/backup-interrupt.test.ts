import {statSync} from 'node:fs';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectNothingLeft, toolSessions} from '../support/aftermath.ts';
import {startTimetiles, timetiles, type RunningTimetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {holdDump, resticStoring, type HeldDump} from '../support/dump.ts';
import {writeSmallFiles} from '../support/files.ts';
import {repositoryFiles} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import type {ResticAge} from '../support/restic.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await growDatabase(stack, 20);
  writeSmallFiles(stack.uploadsPath, 50);
  await stack.writeConfig();
  await timetiles(['backup', 'uploads'], {stack});
});
afterAll(() => stack.stop());

interface Interruption {
  restic: ResticAge;
  args?: string[];
  /** Where it holds the dump, the dump goes on afterwards. */
  when: () => Promise<HeldDump | undefined>;
  signal: NodeJS.Signals;
  /** A terminal sends it to all, `kill` to the tool alone. */
  to?: (running: RunningTimetiles) => void;
}

/** Interrupts a run at a certain moment and sees that it ends in order, soon, and that nothing is in the next run's way. */
async function interrupt({restic, args = ['backup'], when, signal, to}: Interruption): Promise<{message: string; next: string; seconds: number}> {
  const snapshots = repositoryFiles(stack.repository, 'snapshots');
  const running = startTimetiles([...args, '--json'], {stack, restic});
  running.stdin.end();
  const dump = await when();
  const begin = Date.now();
  if (to) to(running);
  else running.kill(signal);
  const result = await running.result;
  const seconds = (Date.now() - begin) / 1000;
  // While pg_dump is held it cannot notice anything: the tool itself has to end what it began in the server.
  const sessionsEnd = await waitUntil(async () => (await toolSessions(stack)).length === 0, 2000);
  dump?.resume();
  expect(sessionsEnd).toBe(true);
  expect(result.exitCode).toBe(130);
  expect(result.stderr).toContain(`${signal} received`);
  await expectNothingLeft(stack);
  expect(repositoryFiles(stack.repository, 'snapshots')).toEqual(snapshots);
  const next = await timetiles(['backup', '--json'], {stack, restic});
  expect(next.exitCode).toBe(0);
  expect(next.json().state).toBe('complete');
  const {kind, ...error} = result.json().error;
  expect(kind).toBe('interrupted');
  return {...error, seconds};
}

const ages: ResticAge[] = ['oldest', 'newest'];

describe.each(ages)('with the %s restic, a backup ends in order', (restic) => {
  test('at Ctrl-C in the middle of a dump', async () => {
    const outcome = await interrupt({restic, when: () => holdDump(stack), signal: 'SIGINT', to: (running) => running.killGroup('SIGINT')});
    expect(outcome).toMatchObject({message: 'interrupted by SIGINT', next: expect.stringContaining('Nothing half done was kept')});
    expect(outcome.seconds).toBeLessThan(10);
  });

  test('at SIGTERM in the middle of a dump', async () => {
    const outcome = await interrupt({restic, when: () => holdDump(stack), signal: 'SIGTERM'});
    expect(outcome.message).toBe('interrupted by SIGTERM');
    expect(outcome.seconds).toBeLessThan(10);
  });

  test('at SIGINT while the manifest waits for the last source', async () => {
    const when = async () => {
      await resticStoring(stack, '/manifest.json');
      await waitUntil(() => repositoryFiles(stack.repository, 'locks').length > 0, 10_000, 5);
      return undefined;
    };
    const outcome = await interrupt({restic, args: ['backup', 'db'], when, signal: 'SIGINT'});
    expect(outcome.seconds).toBeLessThan(10);
  });
});

test('Ctrl-C again and again changes nothing', async () => {
  const to = (running: RunningTimetiles) => {
    for (let time = 0; time < 3; time += 1) setTimeout(() => running.killGroup('SIGINT'), time * 200);
  };
  const outcome = await interrupt({restic: 'newest', when: () => holdDump(stack), signal: 'SIGINT', to});
  expect(outcome.message).toBe('interrupted by SIGINT');
});

test('a closed terminal ends a backup like Ctrl-C', async () => {
  const outcome = await interrupt({restic: 'newest', when: () => holdDump(stack), signal: 'SIGHUP'});
  expect(outcome.message).toBe('interrupted by SIGHUP');
});

test('Ctrl-C while the repository is made leaves nothing in the way of the next run', async () => {
  const repository = `${stack.scratch}/fresh`;
  const env = {RESTIC_REPOSITORY: repository};
  const running = startTimetiles(['backup', 'uploads'], {stack, env});
  running.stdin.end();
  expect(await waitUntil(() => statSync(repository, {throwIfNoEntry: false}) !== undefined, 20_000, 5)).toBe(true);
  await waitUntil(() => running.output().stderr.includes('making the repository'), 20_000, 5);
  running.killGroup('SIGINT');
  expect(await running.exited).toBe(130);
  const next = await timetiles(['backup', 'uploads', '--json'], {stack, env});
  expect(next.exitCode).toBe(0);
  expect(next.json().state).toBe('complete');
});
