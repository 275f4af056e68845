import {randomBytes} from 'node:crypto';
import {readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {filesHolding} from '../support/cleartext.ts';
import {startTimetiles, type RunningTimetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {holdDump} from '../support/dump.ts';
import {plainRestic} from '../support/plain-restic.ts';
import {isRunning} from '../support/processes.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
const marker = `marker-${randomBytes(12).toString('hex')}`;

beforeAll(async () => {
  stack = await startStack(useBench(), {web: 0, heartbeat: false});
  // By its name the first that pg_dump writes.
  await stack.psql(`create table aaa as select '${marker} ' || n as secret from generate_series(1, 20000) as n`);
  await growDatabase(stack, 20);
  await stack.writeConfig();
});
afterAll(() => stack.stop());

test('nothing of the dump ever lies on a disk, but encrypted', async () => {
  const running = startTimetiles(['backup', 'db', '--json'], {stack});
  running.stdin.end();
  const dump = await holdDump(stack, 12);
  // restic has a moment to take in what it was given.
  await sleep(1000);
  const during = await filesHolding(stack, marker);
  dump.resume();
  const result = await running.result;
  expect(result.exitCode).toBe(0);
  expect(during).toEqual([]);
  // The search does find what there is.
  const decoy = join(stack.scratch, 'decoy');
  await writeFile(decoy, marker);
  expect(await filesHolding(stack, marker)).toEqual([decoy]);
  await rm(decoy);
  expect(await filesHolding(stack, marker)).toEqual([]);
  expect(await plainRestic(stack, ['dump', result.json().snapshots[0].id, '/database.sql'])).toContain(marker);
});

test('memory does not grow with the database', async () => {
  const small = await peakMemory(startTimetiles(['backup', 'db'], {stack}));
  await growDatabase(stack, 180);
  const large = await peakMemory(startTimetiles(['backup', 'db'], {stack}));
  expect(large).toBeLessThan(120);
  expect(large).toBeLessThan(small + 20);
});

/** The most megabytes that the tool's own process ever held, as the kernel counts them. */
async function peakMemory(running: RunningTimetiles): Promise<number> {
  running.stdin.end();
  let peak = 0;
  while (await isRunning(running.pid)) {
    const status = await readFile(`/proc/${running.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
    await sleep(20);
  }
  expect(await running.exited).toBe(0);
  expect(peak).toBeGreaterThan(20);
  return peak;
}
