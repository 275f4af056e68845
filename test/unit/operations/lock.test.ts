import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it} from 'vitest';
import type {Context} from '../../../src/operations/context.ts';
import {withRepositoryLock} from '../../../src/operations/lock.ts';
import {acquireFileLock} from '../../../src/process/file-lock.ts';
import {systemClock} from '../../../src/shared/clock.ts';
import {interruptedError} from '../../../src/shared/errors.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

/** A repository whose lock somebody else holds, and one who wants it. */
async function held(signal = new AbortController().signal) {
  const repository = temporaryDirectory();
  const told: string[] = [];
  const log = {showsProgress: false, info: (text: string) => void told.push(text), warn: () => {}, debug: () => {}, progress: () => {}};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a context as the lock looks at
  const context = {restic: {repository}, clock: systemClock, log, signal} as unknown as Context;
  const other = await acquireFileLock(join(repository, 'timetiles.lock'), JSON.stringify({pid: 1, command: 'timetiles backup', since: new Date().toISOString(), host: 'here'}));
  if (other.state !== 'acquired') throw new Error('the lock of a new directory is held');
  return {context, told, other};
}

describe('withRepositoryLock with a wait', () => {
  it('goes on when the other run ends', async () => {
    const {context, told, other} = await held();
    const result = withRepositoryLock(context, 'timetiles backup', async () => 'done', {wait: 10});
    await sleep(300);
    expect(told).toEqual([expect.stringMatching(/^waiting up to 10s: another run holds the lock of .*: timetiles backup, process 1 on here/)]);
    other.release();
    expect(await result).toBe('done');
  });

  it('gives up after the wait', async () => {
    const {context} = await held();
    expect(await thrownBy(() => withRepositoryLock(context, 'x', async () => 'done', {wait: 1}))).toMatchObject(problem('locked', 'another run holds the lock'));
  });

  it('ends when it is interrupted', async () => {
    const controller = new AbortController();
    const {context} = await held(controller.signal);
    setTimeout(() => controller.abort(interruptedError('SIGTERM')), 200);
    expect(await thrownBy(() => withRepositoryLock(context, 'x', async () => 'done', {wait: 60}))).toMatchObject(problem('interrupted', 'SIGTERM'));
  });
});
