import {afterAll, beforeAll, expect, test} from 'vitest';
import {startTimetiles, timetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {holdDump} from '../support/dump.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {web: 0, heartbeat: false});
  await makeCheapRepository(stack);
  await growDatabase(stack, 20);
  await stack.writeConfig();
});
afterAll(() => stack.stop());

test('of two backups at once, one works and the other says who holds the lock', async () => {
  const first = startTimetiles(['backup', 'db', '--json'], {stack});
  first.stdin.end();
  const dump = await holdDump(stack);
  const [second, inWords, list] = [
    await timetiles(['backup', '--json'], {stack}),
    await timetiles(['backup', 'uploads'], {stack}),
    await timetiles(['backup', 'list', '--json'], {stack}),
  ];
  // With the same repository from another installation, too.
  const other = await timetiles(['backup', 'db', '--json'], {
    stack,
    env: {TIMETILES_HOME: `${stack.scratch}/other`, RESTIC_PASSWORD: 'a bench password', RESTIC_REPOSITORY: stack.repository, COMPOSE_PROJECT_NAME: stack.project},
  });
  dump.resume();
  expect((await first.result).exitCode).toBe(0);

  expect([second.exitCode, inWords.exitCode, other.exitCode]).toEqual([4, 4, 4]);
  expect(second.json().error).toMatchObject({
    kind: 'locked',
    message: expect.stringMatching(new RegExp(`another run holds the lock of ${stack.repository}: timetiles backup db, process ${first.pid} on \\S+, started .*(second|ago|now)`)),
    next: expect.stringContaining('Wait until it has ended'),
  });
  expect(inWords.stderr).toMatch(new RegExp(`^Error: another run holds the lock .* process ${first.pid} .*\nWait until it has ended`, 'm'));
  expect(list.exitCode).toBe(0);
  expect((await timetiles(['backup', 'db'], {stack})).exitCode).toBe(0);
});

test('another repository is another lock', async () => {
  const first = startTimetiles(['backup', 'db', '--json'], {stack});
  first.stdin.end();
  const dump = await holdDump(stack);
  const env = {RESTIC_REPOSITORY: `${stack.scratch}/second`};
  const second = await timetiles(['backup', 'db', '--json'], {stack, env});
  dump.resume();
  expect(second.exitCode).toBe(0);
  expect((await first.result).exitCode).toBe(0);
});
