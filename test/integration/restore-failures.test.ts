import {writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {withSmallDisk} from '../support/disk.ts';
import {hasJournal} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, stateOf, whileLoading, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('a restore that fails while it stages', () => {
  let stack: Stack;
  let set: string;
  let before: State;
  let after: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {slowRows: 200});
    await stack.psql('create role reader; grant select on numbers to reader');
    ({set} = await backUp(stack, 'newest'));
    after = await stateOf(stack);
  });

  beforeEach(async () => {
    await changeStack(stack, `before failure ${(count += 1)}`);
    before = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const command = () => ['restore', set, '--yes', '--no-safety-backup', '--json'];

  async function expectAsBefore(): Promise<void> {
    expect(await stateOf(stack)).toEqual(before);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
  }

  it('keeps the old data when postgres is killed in the middle of the load, and cleans up once it is back', async () => {
    const running = startTimetiles(command(), {stack});
    running.stdin.end();
    await whileLoading(stack);
    await stack.docker(['kill', stack.postgres]);
    const result = await running.result;
    expectExit(result, 1);
    const error = errorOf(result);
    expect(error.kind).toBe('restore');
    expect(error.message).toMatch(new RegExp(`the container ${stack.postgres} (is exited|does not run any more)`));
    expect(error.next).toMatch(new RegExp(`docker start ${stack.postgres}.* run any timetiles command`));
    expect(hasJournal(stack)).toBe(true);
    expect(await stack.states()).toEqual(['postgres exited', 'web running']);
    // As long as postgres is away, what is left cannot be undone: whatever looks says so and goes on, a restore stops.
    const early = await timetiles(['backup', 'list'], {stack});
    expectExit(early, 0);
    expect(early.stderr).toContain(`docker start ${stack.postgres}`);
    expectExit(await timetiles(command(), {stack}), 1);
    await stack.docker(['start', stack.postgres]);
    await stack.waitHealthy();
    const next = await timetiles(['backup', 'list'], {stack});
    expectExit(next, 0);
    expect(next.stderr).toContain(`undid an interrupted restore of set ${set}`);
    await expectAsBefore();
  });

  it('keeps the old data when the server ends the load', async () => {
    const running = startTimetiles(command(), {stack});
    running.stdin.end();
    await whileLoading(stack);
    await stack.psql(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'COPY public.slow %'`, {database: 'template1'});
    const result = await running.result;
    expectExit(result, 1);
    expect(errorOf(result).message).toMatch(/does not load into PostgreSQL in .*terminating connection due to administrator command/);
    await expectAsBefore();
  });

  it('keeps the old data when a role goes missing in the middle of the load', async () => {
    const running = startTimetiles(command(), {stack});
    running.stdin.end();
    await whileLoading(stack);
    await stack.psql('drop owned by reader; drop role reader');
    before = await stateOf(stack);
    const result = await running.result;
    expectExit(result, 1);
    expect(errorOf(result).message).toContain('role "reader" does not exist');
    await expectAsBefore();
    // The next one makes the role again.
    const next = await timetiles(command(), {stack});
    expectExit(next, 0);
    expect(await stateOf(stack)).toEqual(after);
  });

  it('names the disk of the uploads when it gets full', async () => {
    await withSmallDisk(64, async (disk) => {
      const uploads = join(disk.path, 'uploads');
      const other = await startStack(useBench(), {uploads: {hostDirectory: uploads}});
      try {
        await other.writeConfig();
        await fillStack(other, {rows: 10});
        await writeFile(join(uploads, 'big'), Buffer.alloc(16 * 1024 * 1024, 'noise'));
        const {set: id} = await backUp(other, 'newest');
        await changeStack(other, 'before the disk is full');
        const live = await stateOf(other);
        const running = startTimetiles(['restore', id, '--yes', '--no-safety-backup', '--json'], {stack: other});
        running.stdin.end();
        // The plan has found the disk large enough by then.
        await waitUntil(() => running.output().stderr.includes('restoring db'), 30_000, 5);
        const free = await disk.free();
        await writeFile(join(dirname(uploads), 'filler'), Buffer.alloc(free - 4 * 1024 * 1024));
        const result = await running.result;
        expectExit(result, 1);
        const error = errorOf(result);
        expect(error.kind).toBe('no-room');
        expect(error.message).toContain(`the disk of ${disk.path}`);
        expect(error.message).not.toContain('repository');
        expect(await stateOf(other)).toEqual(live);
        await other.waitHealthy();
        expect(await leftovers(other)).toEqual([]);
        // Now the plan itself sees that there is no room.
        const again = await timetiles(['restore', id, '--yes', '--no-safety-backup', '--json'], {stack: other});
        expect(again.exitCode).toBe(1);
        expect(errorOf(again).message).toMatch(/restoring needs .* but its disk has only/);
      } finally {
        await other.stop();
      }
    });
  });

  it('puts the data in place although clients of the database come back at once', async () => {
    const clients = `for n in 1 2 3 4; do (while :; do psql -X -q -c 'select pg_sleep(0.3)' >/dev/null 2>&1; done) & done; sleep 60; kill $(jobs -p)`;
    await stack.docker(['exec', '--detach', '--env', `PGUSER=${stack.user}`, '--env', `PGPASSWORD=${stack.password}`, '--env', `PGDATABASE=${stack.database}`, stack.postgres, 'bash', '-c', clients]);
    await sleep(1000);
    const connected = await stack.psql(`select count(*) from pg_stat_activity where query like '%pg_sleep(0.3)%' and pid <> pg_backend_pid()`);
    expect(Number(connected)).toBeGreaterThan(0);
    const result = await timetiles(command(), {stack});
    expectExit(result, 0);
    await stack.docker(['restart', stack.postgres]);
    await stack.waitHealthy();
    expect(await stateOf(stack)).toEqual(after);
    expect(await leftovers(stack)).toEqual([]);
  });
});
