import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, timetiles, type TimetilesResult} from '../support/cli.ts';
import {imageFor} from '../support/images.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('restore --undo', () => {
  let stack: Stack;
  let set: string;
  let restored: State;
  let before: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 2000, files: 40});
    ({set} = await backUp(stack, 'newest'));
    restored = await stateOf(stack);
  });

  beforeEach(async () => {
    await changeStack(stack, `before undo ${(count += 1)}`);
    before = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const run = (...args: string[]): Promise<TimetilesResult> => timetiles(args, {stack});
  const undo = (...args: string[]) => run('restore', '--undo', '--yes', '--json', ...args);
  const record = () => JSON.parse(readFileSync(join(stack.home, 'state', 'previous.json'), 'utf8'));

  it('returns to the kept state, saves what it replaces, and cannot be repeated', async () => {
    const report = await restore(stack, 'newest', [set]);
    expect(report.previous).toEqual({kept: true, bytes: expect.any(Number), until: null});
    expect(report.previous?.bytes).toBeGreaterThan(1e6);
    expect(await leftovers(stack)).toEqual([]);
    expect(record()).toMatchObject({set, kept: true, safetySet: report.safetySet, stopped: [{name: stack.web[0]}]});
    expect((await run('backup', 'status')).stdout).toMatch(new RegExp(`Kept until the next backup: the state before the restore of set ${set}, .*--drop-previous`));
    // As a backup in a container or a monitor does.
    const neighbour = `${stack.project}-neighbour`;
    const volumes = dirname(dirname(stack.uploadsPath));
    await stack.docker(['run', '--detach', '--name', neighbour, '--network', 'none', '--volume', `${volumes}:${volumes}`, await imageFor(stack.bench.dockerHost, 'idle')]);
    const plan = await run('restore', '--undo', '--dry-run');
    expectExit(plan, 0);
    expect(plan.stdout).toMatch(/is undone; what was live before it takes its place again:\n.*kept as timetiles_old_.*\n.*kept in .*old.*\nbefore that, the present state is saved.*\nstopped meanwhile: .*web-1\nNothing was changed/);
    await changeStack(stack, 'written since the restore');
    const since = await stateOf(stack);
    const done = await undo();
    expectExit(done, 0);
    expect(done.json()).toMatchObject({state: 'undone', undone: set, sources: ['db', 'uploads'], restarted: stack.web});
    expect(await stateOf(stack)).toEqual(before);
    await stack.docker(['rm', '--force', neighbour]);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
    expect(existsSync(join(stack.home, 'state', 'previous.json'))).toBe(false);
    const again = await undo();
    expectExit(again, 1);
    expect(errorOf(again)).toMatchObject({kind: 'not-found', message: expect.stringContaining('there is nothing to undo')});
    await restore(stack, 'newest', [done.json().safetySet, '--no-safety-backup']);
    expect(await stateOf(stack)).toEqual(since);
  });

  it('a backup that holds both sources removes what is kept, one of a single source does not; then the safety set is the way back', async () => {
    const {safetySet} = await restore(stack, 'newest', [set]);
    expectExit(await run('backup', 'db'), 0);
    expect(record().kept).toBe(true);
    const backup = await run('backup', '--accept-smaller');
    expectExit(backup, 0);
    expect(backup.stderr).toMatch(/removed the state before the restore of set .*: set .* is stored/);
    expect(record()).toMatchObject({kept: false, safetySet});
    expect(await leftovers(stack)).toEqual([]);
    const plan = await run('restore', '--undo', '--dry-run', '--json');
    expect(plan.json().plan[0]).toContain(`is not kept any more: its safety set ${safetySet} is restored instead`);
    const done = await undo('--no-safety-backup');
    expectExit(done, 0);
    expect(done.json()).toMatchObject({state: 'done', set: safetySet});
    expect(await stateOf(stack)).toEqual(before);
  });

  it('keeps one state alone, for days through backups, and gives it up when asked', async () => {
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    const first = record().id;
    await restore(stack, 'newest', [set, '--no-safety-backup', '--only', 'db', '--keep-previous', '2']);
    expect(record()).toMatchObject({kept: true, until: expect.stringMatching(/^20/)});
    expect(record().id).not.toBe(first);
    expect(await leftovers(stack)).toEqual([]);
    expectExit(await run('backup', '--accept-smaller'), 0);
    expect(record().kept).toBe(true);
    writeFileSync(join(stack.home, 'state', 'previous.json'), JSON.stringify({...record(), until: '2026-01-01T00:00:00.000Z'}));
    expect((await run('backup', 'prune')).stderr).toContain('its time is over');
    expect(record().kept).toBe(false);
    expect(await leftovers(stack)).toEqual([]);
    expect(errorOf(await undo())).toMatchObject({kind: 'not-found', message: expect.stringContaining('is gone, and no safety set was made')});
    await restore(stack, 'newest', [set, '--no-safety-backup', '--only', 'uploads']);
    expect((await run('restore', '--drop-previous', '--json')).json()).toMatchObject({state: 'dropped', set, safetySet: null});
    expect(await leftovers(stack)).toEqual([]);
    expect((await restore(stack, 'newest', [set, '--no-safety-backup', '--keep-previous', '0'])).previous?.kept).toBe(false);
    expect(await leftovers(stack)).toEqual([]);
    expect(await stateOf(stack)).toEqual(restored);
  });

  it.each([['--only', 'db'], ['--target', '/nowhere'], ['--offsite'], ['latest'], ['--drop-previous']])('refuses %s', async (...args) => {
    const result = await undo(...args);
    expectExit(result, 2);
    expect(errorOf(result).kind).toBe('usage');
  });
});
