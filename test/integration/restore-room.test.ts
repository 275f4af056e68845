import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, errorOf, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const data = '/var/lib/postgresql/data';

describe('a server whose disk is small', () => {
  let stack: Stack;
  let set: string;
  let before: State;
  let started: string;

  beforeAll(async () => {
    stack = await startStack(useBench(), {databaseInMemory: {mebibytes: 640}});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 10, slowRows: 1500});
    await stack.psql(`create table xlarge as select n, repeat(md5(n::text), 30) as body from generate_series(1, 100000) n`);
    ({set} = await backUp(stack, 'newest'));
    before = await stateOf(stack);
    started = await startOfServer();
  });

  afterAll(() => stack?.stop());

  const startOfServer = () => stack.psql('select pg_postmaster_start_time()');
  const inServer = async (script: string) => (await stack.docker(['exec', stack.postgres, 'sh', '-c', script])).stdout.trim();
  const freeMebibytes = async () => Number(await inServer(`df -P -m ${data} | tail -n 1 | awk '{print $4}'`));
  const leaveFree = async (mebibytes: number) => inServer(`dd if=/dev/zero of=${data}/filler bs=1M count=${(await freeMebibytes()) - mebibytes} 2>/dev/null`);

  async function expectAsBefore(): Promise<void> {
    expect(await startOfServer()).toBe(started);
    expect(await stateOf(stack)).toEqual(before);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
  }

  it('is found in the plan, before the question and the safety set', async () => {
    await leaveFree(60);
    const sets = (await timetiles(['backup', 'list', '--json'], {stack})).json().sets.length;
    for (const args of [['--dry-run'], ['--yes']]) {
      const result = await timetiles(['restore', set, ...args, '--json'], {stack});
      expectExit(result, 1);
      const error = errorOf(result);
      expect(error.kind).toBe('no-room');
      expect(error.message).toMatch(new RegExp(`^restoring needs [\\d.]+ MiB beside the live data on the disk of ${data}.* in ${stack.postgres}.* its disk has only [\\d.]+ MiB free`));
      expect(error.next).toContain(`docker exec ${stack.postgres} df -h ${data}`);
    }
    expect((await timetiles(['backup', 'list', '--json'], {stack})).json().sets).toHaveLength(sets);
    await inServer(`rm ${data}/filler`);
    await expectAsBefore();
  });

  it('is watched during the load, and the load ends before it is full', async () => {
    const running = startTimetiles(['restore', set, '--yes', '--no-safety-backup', '--json'], {stack});
    running.stdin.end();
    // The room was looked at for the last time by then.
    await waitUntil(() => running.output().stderr.includes('restoring db'), 90_000, 20);
    await leaveFree(20);
    const result = await running.result;
    expectExit(result, 1);
    const error = errorOf(result);
    expect(error).toMatchObject({kind: 'no-room', next: expect.stringContaining('df -h')});
    // Both lie on it; the one that was looked at when it was too full is named.
    expect(error.message).toMatch(new RegExp(`^the disk of ${data}(/pg_wal)? in ${stack.postgres} has only .* free: the restore was stopped before it was full`));
    await inServer(`rm ${data}/filler`);
    await expectAsBefore();
  });
});
