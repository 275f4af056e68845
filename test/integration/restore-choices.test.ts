import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import type {ResticAge} from '../support/restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type BackupReport, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('what the operator may ask of a restore', () => {
  /** In turns: what restic itself does differently is shown by restore-round-trip. */
  let restic: ResticAge = 'oldest';
  let stack: Stack;
  let made: BackupReport;
  let before: State;
  let after: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 500});
    made = await backUp(stack, restic);
    after = await stateOf(stack);
  });

  beforeEach(async () => {
    await changeStack(stack, `before choice ${(count += 1)}`);
    before = await stateOf(stack);
    restic = restic === 'newest' ? 'oldest' : 'newest';
  });

  afterAll(() => stack?.stop());

  const snapshotOf = (source: string) => made.snapshots.find((snapshot) => snapshot.source === source)?.id ?? 'none';
  const run = (...args: string[]) => timetiles(args, {stack, restic});

  it('saves the present state as a set that is named, can be restored, and is never the latest', async () => {
    const result = await run('restore', 'latest', '--yes');
    expectExit(result, 0);
    expect(result.stdout).toContain(`from set ${made.set}`);
    expect(await stateOf(stack)).toEqual(after);
    const safetySet = /to return to it: timetiles restore (\S+)$/m.exec(result.stdout)?.[1] ?? 'none';
    expect(safetySet).not.toBe(made.set);
    const list = await run('backup', 'list', '--json');
    expect(list.json()).toMatchObject({sets: [{set: safetySet, state: 'complete', snapshots: [{source: 'db'}, {source: 'uploads'}]}, {set: made.set}]});
    const back = await restore(stack, restic, [safetySet]);
    expect(back).toMatchObject({set: safetySet, restored: ['db', 'uploads'], restarted: stack.web});
    expect(await stateOf(stack)).toEqual(before);
    // Two safety sets are newer by now.
    expect(await restore(stack, restic, ['latest', '--no-safety-backup'])).toMatchObject({set: made.set, safetySet: null});
    expect(await stateOf(stack)).toEqual(after);
  });

  it('restores one source alone and saves that one alone', async () => {
    const ofDatabase = await restore(stack, restic, ['latest', '--only', 'db']);
    expect(ofDatabase).toMatchObject({set: made.set, restored: ['db']});
    expect(await stateOf(stack)).toEqual({db: after.db, uploads: before.uploads});
    const {sets} = (await run('backup', 'list', '--json')).json();
    expect(sets[0]).toMatchObject({set: ofDatabase.safetySet, snapshots: [{source: 'db'}]});
    expect(sets[0].snapshots).toHaveLength(1);
    expect(await restore(stack, restic, ['latest', '--only', 'uploads', '--no-safety-backup'])).toMatchObject({restored: ['uploads'], safetySet: null});
    expect(await stateOf(stack)).toEqual(after);
  });

  it('restores one snapshot, by its id or the beginning of one', async () => {
    expect(await restore(stack, restic, [snapshotOf('uploads'), '--no-safety-backup'])).toMatchObject({set: made.set, restored: ['uploads']});
    expect(await stateOf(stack)).toEqual({db: before.db, uploads: after.uploads});
    expect(await restore(stack, restic, [snapshotOf('db').slice(0, 10), '--no-safety-backup'])).toMatchObject({set: made.set, restored: ['db']});
    expect(await stateOf(stack)).toEqual(after);
  });

  it('restores the latest set that has the source, whatever was backed up since', async () => {
    const {set} = await backUp(stack, restic, ['db']);
    expect(await restore(stack, restic, ['latest', '--only', 'uploads', '--no-safety-backup'])).toMatchObject({set: made.set});
    expect(await stateOf(stack)).toEqual({db: before.db, uploads: after.uploads});
    expect(await restore(stack, restic, ['latest', '--no-safety-backup'])).toMatchObject({set, restored: ['db']});
    expect((await stateOf(stack)).db).toBe(before.db);
  });

  it('saves nothing where there is nothing', async () => {
    await stack.docker(['exec', ...stack.web, 'sh', '-c', 'rm -rf /app/uploads/*']);
    const report = await restore(stack, restic, [made.set, '--only', 'uploads']);
    expect(report.safetySet).toBeNull();
    expect((await stateOf(stack)).uploads).toBe(after.uploads);
  });

  it('shows with --dry-run what would happen, and changes and stops nothing', async () => {
    const started = async () => (await stack.docker(['inspect', '--format', '{{.State.StartedAt}}', ...stack.web, stack.postgres])).stdout;
    const begun = await started();
    const list = (await run('backup', 'list', '--json')).stdout;
    const result = await run('restore', made.set, '--dry-run');
    expectExit(result, 0);
    expect(result.stdout).toMatch(new RegExp(`^set ${made.set} of .* replaces db and uploads:$`, 'm'));
    expect(result.stdout).toContain(`stopped meanwhile: ${stack.web.join(', ')}`);
    expect(result.stdout).toContain('Nothing was changed');
    const json = await run('restore', made.set, '--only', 'db', '--dry-run', '--json');
    expect(json.json()).toMatchObject({state: 'planned', set: made.set, sources: ['db'], stop: stack.web});
    expect(await stateOf(stack)).toEqual(before);
    expect(await started()).toBe(begun);
    expect((await run('backup', 'list', '--json')).stdout).toBe(list);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('refuses to replace anything when nobody can be asked', async () => {
    const result = await run('restore', made.set, '--json');
    expect(result.exitCode).toBe(2);
    expect(errorOf(result)).toMatchObject({kind: 'usage'});
    expect(errorOf(result).next).toContain('--yes');
    expect(await stateOf(stack)).toEqual(before);
  });

  it('lists what there is when the set that is asked for is not there', async () => {
    const result = await run('restore', '20200101T000000Z-aaaa', '--yes', '--json');
    expect(result.exitCode).toBe(1);
    expect(errorOf(result)).toMatchObject({kind: 'not-found'});
    expect(errorOf(result).message).toContain(made.set);
    // Every full id begins with one of these, so one of them at least matches several.
    const short = await run('restore', '2', '--yes', '--json');
    expect(short.exitCode).toBe(1);
    expect(errorOf(short)).toMatchObject({kind: 'ambiguous'});
    expect(await stateOf(stack)).toEqual(before);
  });

  it('restores the uploads although postgres is stopped', async () => {
    // Its app would not get healthy without a database, so it is down too.
    await stack.docker(['stop', stack.postgres, ...stack.web]);
    await writeFile(join(stack.uploadsPath, 'marker'), 'postgres is away');
    const result = await run('restore', made.set, '--only', 'uploads', '--yes', '--no-safety-backup', '--json');
    await stack.docker(['start', stack.postgres, ...stack.web]);
    await stack.waitHealthy();
    expect((await stateOf(stack)).uploads).toBe(after.uploads);
    expect(result.json()).toMatchObject({state: 'done', restored: ['uploads']});
  });
});
