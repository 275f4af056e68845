import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, startTimetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {backUp, changeStack, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

/** What a session waits for that a killed restore left in the server: a moment that no kill at random meets. */
describe('a statement that outlives the restore it belongs to', () => {
  let stack: Stack;
  let set: string;
  let before: State;
  let after: State;

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 100});
    ({set} = await backUp(stack, 'newest'));
    after = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const count = async (condition: string) => Number(await stack.psql(`select count(*) from pg_stat_activity where ${condition}`, {database: 'template1'}));

  /** Kills a restore while one of its statements waits for a lock on a database, and lets the statement go once the next command has run. */
  async function killWhileWaiting(database: string, statement: string): Promise<string> {
    // A comment takes a lock that creating from the database and renaming it wait for.
    const holding = stack.psql(`set application_name = 'holder'; begin; select format('comment on database %I is null', :'held') \\gexec
      select pg_sleep(60); rollback;`, {database: 'template1', variables: {held: database}}).catch(() => '');
    await waitUntil(async () => (await count(`application_name = 'holder' and query like '%pg_sleep%'`)) === 1, 10_000);
    const running = startTimetiles(['restore', set, '--yes', '--no-safety-backup'], {stack});
    running.stdin.end();
    const waits = `application_name like 'timetiles-%' and wait_event_type = 'Lock' and query ilike '%${statement}%'`;
    const met = await waitUntil(async () => (await count(waits)) === 1, 30_000);
    running.kill('SIGKILL');
    await running.exited;
    if (!met) throw new Error(`No statement like "${statement}" came to wait:\n${running.output().stderr}`);
    const next = startTimetiles(['backup', 'list'], {stack});
    next.stdin.end();
    // The holder lets go while the next command is at work, or after it.
    await Promise.race([next.result, waitUntil(() => false, 4000)]);
    await stack.psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holder'`, {database: 'template1'});
    await holding;
    const result = await next.result;
    expectExit(result, 0);
    return result.stderr;
  }

  it('makes no database after the restore was undone', async () => {
    await changeStack(stack, 'before the orphan');
    before = await stateOf(stack);
    expect(await killWhileWaiting('template0', 'create database')).toContain(`undid an interrupted restore of set ${set}`);
    expect(await stateOf(stack)).toEqual(before);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('does not get in the way of the swap that the next command makes', async () => {
    await changeStack(stack, 'before the second orphan');
    expect(await killWhileWaiting(stack.database, 'alter database')).toContain(`finished an interrupted restore of set ${set}`);
    expect(await stateOf(stack)).toEqual(after);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
  });
});
