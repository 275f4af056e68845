import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {hasJournal, signalAt, type Moment} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import type {ResticAge} from '../support/restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const stopping = 'stopping';
const swapping = 'putting the restored data in place';
const starting = 'starting';

/** Where the tool is killed. What it says tells where it is, however slow the machine: the swap is the densest. */
const moments: Record<'oldest' | 'newest', Moment[]> = {
  newest: [
    {milliseconds: 600},
    {after: 'restoring db', milliseconds: 0},
    {after: 'restoring db', milliseconds: 60},
    {after: 'restoring db', milliseconds: 150},
    {after: 'restoring db', milliseconds: 700},
    {after: 'restoring uploads', milliseconds: 0},
    {after: 'restoring uploads', milliseconds: 400},
    {after: 'restoring uploads', milliseconds: 800},
    {after: stopping, milliseconds: 0},
    {after: stopping, milliseconds: 30},
    {after: swapping, milliseconds: 0},
    {after: swapping, milliseconds: 40},
    {after: swapping, milliseconds: 80},
    {after: swapping, milliseconds: 120},
    {after: swapping, milliseconds: 160},
    {after: starting, milliseconds: 0},
    {after: starting, milliseconds: 150},
    {after: starting, milliseconds: 300},
  ],
  oldest: [
    {milliseconds: 300},
    {after: 'restoring db', milliseconds: 100},
    {after: 'restoring db', milliseconds: 1000},
    {after: 'restoring uploads', milliseconds: 20},
    {after: 'restoring uploads', milliseconds: 600},
    {after: stopping, milliseconds: 10},
    {after: stopping, milliseconds: 70},
    {after: swapping, milliseconds: 20},
    {after: swapping, milliseconds: 60},
    {after: swapping, milliseconds: 100},
    {after: swapping, milliseconds: 140},
    {after: swapping, milliseconds: 200},
    {after: starting, milliseconds: 50},
    {after: starting, milliseconds: 220},
  ],
};

/** What an operator may run next, in turns; the set is named, since a backup among them becomes the latest. */
const nextCommands = (set: string) => [
  ['backup', 'list'],
  ['doctor'],
  ['backup', 'list'],
  ['backup', 'db'],
  ['doctor'],
  ['restore', set, '--yes', '--no-safety-backup'],
];

describe.each(['newest', 'oldest'] as const)('restic %s: a restore that is killed with -9', (restic: ResticAge & ('newest' | 'oldest')) => {
  let stack: Stack;
  let set: string;
  let after: State;
  /** How the kills ended: too late, before there was anything to clean up, or with the restore undone or finished. */
  const ends: string[] = [];

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack);
    ({set} = await backUp(stack, restic));
    after = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const restoring = () => ['restore', set, '--yes', '--no-safety-backup'];

  /** Everything that must be true once the next command has run. */
  async function expectClean(before: State, journal: boolean, command: string[], said: string): Promise<void> {
    const now = await stateOf(stack);
    const told = /(finished|undid) an interrupted restore of set (\S+),/.exec(said);
    expect(told?.[2]).toBe(journal ? set : undefined);
    const afterwards = told ? [told[1] === 'finished' ? after : before] : [before, after];
    expect(command[0] === 'restore' ? [after] : afterwards).toContainEqual(now);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
  }

  /** The status names a restore that is not finished, and leaves everything to the next command. */
  async function expectStatus(journal: boolean): Promise<void> {
    const status = await timetiles(['backup', 'status', '--json'], {stack, restic});
    expectExit(status, journal ? 1 : 0);
    expect(status.json().findings).toEqual(journal ? [expect.objectContaining({key: 'unfinished', message: expect.stringContaining(set), next: expect.stringContaining('timetiles doctor')})] : []);
    expect(hasJournal(stack)).toBe(journal);
  }

  it.each(moments[restic].map((moment, index) => ({...moment, index})))('$milliseconds ms after "$after"', async ({index, ...moment}) => {
    await changeStack(stack, `before kill ${index}`);
    const before = await stateOf(stack);
    const {running, inTime} = await signalAt(restoring(), moment, 'SIGKILL', {stack, restic});
    await running.exited;
    const halfway = await stateOf(stack);
    expect([before.db, after.db]).toContain(halfway.db);
    expect([before.uploads, after.uploads]).toContain(halfway.uploads);
    const journal = hasJournal(stack);
    if (index % 6 === 5) await expectStatus(journal);
    const command = nextCommands(set)[index % 6] ?? [];
    const next = await timetiles(command, {stack, restic});
    expectExit(next, 0);
    await expectClean(before, journal, command, next.stderr);
    ends.push(inTime ? (/(finished|undid) an interrupted/.exec(next.stderr)?.[1] ?? 'nothing to do') : 'too late');
  });

  it('was met on both sides of the swap, and hardly ever too late', () => {
    const count = (end: string) => ends.filter((each) => each === end).length;
    expect(ends).toHaveLength(moments[restic].length);
    expect(count('undid')).toBeGreaterThanOrEqual(4);
    expect(count('finished')).toBeGreaterThanOrEqual(4);
    expect(count('too late')).toBeLessThanOrEqual(2);
  });

  it('is cleaned up after although the clean-up is killed too', async () => {
    await changeStack(stack, 'before two kills');
    const before = await stateOf(stack);
    for (const [index, moment] of [{after: swapping, milliseconds: 0}, {after: 'restoring uploads', milliseconds: 0}].entries()) {
      if (index === 1) await changeStack(stack, 'before two more');
      const current = index === 1 ? await stateOf(stack) : before;
      const {running} = await signalAt(restoring(), moment, 'SIGKILL', {stack, restic});
      await running.exited;
      expect(hasJournal(stack)).toBe(true);
      for (const milliseconds of [0, 40, 120]) {
        if (!hasJournal(stack)) break;
        const cleaning = await signalAt(['backup', 'list'], {after: 'found an interrupted restore', milliseconds}, 'SIGKILL', {stack, restic});
        await cleaning.running.exited;
        const halfway = await stateOf(stack);
        expect([current.db, after.db]).toContain(halfway.db);
        expect([current.uploads, after.uploads]).toContain(halfway.uploads);
      }
      const journal = hasJournal(stack);
      const next = await timetiles(['backup', 'list'], {stack, restic});
      expectExit(next, 0);
      await expectClean(current, journal, ['backup', 'list'], next.stderr);
    }
  });

  it('still restores when nobody kills it', async () => {
    await changeStack(stack, 'at the end');
    expect(await restore(stack, restic, [set, '--no-safety-backup'])).toMatchObject({set, restored: ['db', 'uploads'], safetySet: null});
    expect(await stateOf(stack)).toEqual(after);
  });
});
