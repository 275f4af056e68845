import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, timetiles, type RunningTimetiles} from '../support/cli.ts';
import {hasJournal, hasStagedFiles, signalAt} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {backUp, changeStack, fillStack, stateOf, whileLoading, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe.each(['newest', 'oldest'] as const)('restic %s: Ctrl-C during a restore', (restic) => {
  let stack: Stack;
  let set: string;
  let before: State;
  let after: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench());
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {slowRows: 150});
    ({set} = await backUp(stack, restic));
    after = await stateOf(stack);
  });

  beforeEach(async () => {
    await changeStack(stack, `before interrupt ${(count += 1)}`);
    before = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  /** How a run ended and what it left, to be compared with `undone`. */
  async function endOf(running: RunningTimetiles) {
    const result = await running.result;
    expectExit(result, 130);
    const state = await stateOf(stack);
    await stack.waitHealthy();
    return {stdout: result.stdout, stderr: result.stderr, state, leftovers: await leftovers(stack), journal: hasJournal(stack)};
  }

  const undone = () => ({stdout: '', stderr: expect.stringContaining('interrupted by SIGINT'), state: before, leftovers: [], journal: false});

  it.each([
    {phase: 'while the safety set is made', after: 'backing up db', milliseconds: 300, options: []},
    {phase: 'while the safety set takes the uploads', after: 'backing up uploads', milliseconds: 200, options: []},
    {phase: 'while the scratch database is made', after: 'restoring db', milliseconds: 30, options: ['--no-safety-backup']},
    {phase: 'while restic opens the dump', after: 'restoring db', milliseconds: 400, options: ['--no-safety-backup']},
    {phase: 'at the beginning of the uploads', after: 'restoring uploads', milliseconds: 0, options: ['--no-safety-backup']},
    {phase: 'once the first uploads are there', after: 'restoring uploads', until: () => hasStagedFiles(stack), milliseconds: 0, options: ['--no-safety-backup']},
    {phase: 'while the app is being stopped', after: 'stopping', milliseconds: 0, options: ['--no-safety-backup']},
  ])('$phase: the old data, the app runs, nothing is left over', async ({options, ...moment}) => {
    const {running, inTime} = await signalAt(['restore', set, '--yes', ...options], moment, 'SIGINT', {stack, restic});
    expect(inTime).toBe(true);
    expect(await endOf(running)).toEqual(undone());
  });

  it('while the dump is loaded: the old data, the app runs, nothing is left over', async () => {
    const loading = whileLoading(stack);
    const {running} = await signalAt(['restore', set, '--yes', '--no-safety-backup'], {after: 'restoring db', milliseconds: 0}, 'SIGCONT', {stack, restic});
    await loading;
    running.kill('SIGINT');
    expect(await endOf(running)).toEqual(undone());
  });

  it('during the swap: too late, so the restore is finished and said to be', async () => {
    const {running} = await signalAt(['restore', set, '--yes', '--no-safety-backup'], {after: 'putting the restored data in place', milliseconds: 0}, 'SIGINT', {stack, restic});
    const end = await endOf(running);
    expect(end).toMatchObject({stdout: '', state: after, leftovers: [], journal: false});
    expect(end.stderr).toContain(`set ${set} is restored`);
    expect(end.stderr).not.toContain('Nothing half done was kept');
  });

  it('leaves a stack that the next restore finds as if nothing had been', async () => {
    const result = await timetiles(['restore', set, '--yes', '--no-safety-backup'], {stack, restic});
    expectExit(result, 0);
    expect(result.stderr).not.toContain('interrupted restore');
    expect(await stateOf(stack)).toEqual(after);
  });
});
