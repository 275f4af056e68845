import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {hasJournal, signalAt, type Moment} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const safety = 'saving the present state first';
const stopping = 'stopping';
const swapping = 'putting the kept data in place';
const starting = 'starting';

describe('restore --undo that is killed with -9', () => {
  let stack: Stack;
  let set: string;
  const ends: string[] = [];

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 500, files: 30});
    ({set} = await backUp(stack, 'newest'));
  });

  afterAll(() => stack?.stop());

  const recordPath = () => join(stack.home, 'state', 'previous.json');
  const isKept = () => existsSync(recordPath()) && JSON.parse(readFileSync(recordPath(), 'utf8')).kept === true;
  const filesAreBack = () => {
    const parent = dirname(stack.uploadsPath);
    return readdirSync(parent).every((name) => !name.startsWith('.timetiles-') || !existsSync(join(parent, name, 'old')));
  };
  let wanted: State;

  /** Restores and writes something, unless the last undo was not done. @returns the state that an undo leaves */
  async function prepare(index: number): Promise<State> {
    if (isKept()) return wanted;
    await changeStack(stack, `before undo ${index}`);
    wanted = await stateOf(stack);
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    return wanted;
  }

  const moments: (Moment & {options?: string[]})[] = [
    {milliseconds: 300, options: ['--no-safety-backup']},
    {after: safety, milliseconds: 0, options: []},
    {after: stopping, milliseconds: 0},
    {after: stopping, until: () => hasJournal(stack), milliseconds: 30},
    {after: swapping, milliseconds: 0},
    {after: swapping, milliseconds: 60},
    {after: swapping, milliseconds: 150},
    {after: swapping, until: () => filesAreBack(), milliseconds: 0},
    {after: starting, milliseconds: 0},
    {after: starting, until: () => !existsSync(recordPath()), milliseconds: 0},
  ];

  it.each(moments.map((moment, index) => ({options: ['--no-safety-backup'], after: '', ...moment, index})))('moment $index, $milliseconds ms after "$after"', async ({index, options, ...moment}) => {
    const undone = await prepare(index);
    const restored = await stateOf(stack);
    const {running, inTime} = await signalAt(['restore', '--undo', '--yes', ...options], moment, 'SIGKILL', {stack});
    await running.exited;
    const halfway = await stateOf(stack);
    expect([undone.db, restored.db]).toContain(halfway.db);
    expect([undone.uploads, restored.uploads, 'missing']).toContain(halfway.uploads);
    const journal = hasJournal(stack);
    const next = await timetiles(index % 2 === 0 ? ['backup', 'list'] : ['doctor'], {stack});
    expectExit(next, 0);
    expect(next.stderr.includes('finished an interrupted undo of the restore of set')).toBe(journal);
    const now = await stateOf(stack);
    expect(now).toEqual(isKept() ? restored : undone);
    if (journal) expect(isKept()).toBe(false);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
    ends.push(inTime ? (journal ? 'finished' : 'nothing to do') : 'too late');
  });

  it('was met before and after the point of no return', () => {
    expect(ends.filter((end) => end === 'finished').length).toBeGreaterThanOrEqual(5);
    expect(ends.filter((end) => end === 'nothing to do').length).toBeGreaterThanOrEqual(1);
    expect(ends.filter((end) => end === 'too late').length).toBeLessThanOrEqual(2);
  });
});
