import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {writeSmallFiles} from '../support/files.ts';
import {underHostName} from '../support/other-host.ts';
import {plainResticEnvironment, repositoryFiles} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import type {ResticAge} from '../support/restic.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
const ages: ResticAge[] = ['oldest', 'newest'];

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  writeSmallFiles(stack.uploadsPath, 20);
  await stack.writeConfig();
  await timetiles(['backup', 'uploads'], {stack});
});
afterAll(() => stack.stop());

describe.each(ages)('with the %s restic', (restic) => {
  const backup = () => timetiles(['backup', 'uploads', '--json'], {stack, restic});
  const locks = () => repositoryFiles(stack.repository, 'locks');

  beforeEach(() => Promise.all(locks().map((name) => rm(join(stack.repository, 'locks', name)))));

  test('the lock of a restic that was killed on this host is cleared', async () => {
    const other = await lockedBy(restic, 'backup');
    await kill(other);
    expect(locks()).toHaveLength(1);
    const result = await backup();
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toContain(`the lock of process ${other.pid} of `);
    expect(locks()).toEqual([]);
  });

  test('an exclusive lock of a killed restic is cleared too', async () => {
    await kill(await lockedBy(restic, 'check'));
    expect(locks()).toHaveLength(1);
    expect((await backup()).exitCode).toBe(0);
    expect(locks()).toEqual([]);
  });

  test('the lock of a live restic stays, and disturbs nothing', async () => {
    const other = await lockedBy(restic, 'backup');
    const before = locks();
    const result = await backup();
    const after = locks();
    await kill(other);
    expect(result.exitCode).toBe(0);
    expect(after).toEqual(before);
  });

  test('an exclusive lock of a live restic means exit code 4 and a remedy', async () => {
    const other = await lockedBy(restic, 'check');
    const before = locks();
    const result = await backup();
    const after = locks();
    await kill(other);
    expect(result.exitCode).toBe(4);
    const {error} = result.json();
    expect(error.kind).toBe('repository-locked');
    expect(error.message).toContain(`the repository ${stack.repository} is locked by another restic`);
    expect(error.message).toContain(`PID ${other.pid}`);
    expect(error.next).toContain(`restic -r ${stack.repository} unlock`);
    expect(after).toEqual(before);
  });

  test('the lock of another host stays, even when its process is gone', async () => {
    await kill(await lockedBy(restic, 'backup', 'elsewhere.example'));
    const before = locks();
    expect(before).toHaveLength(1);
    expect((await backup()).exitCode).toBe(0);
    expect(locks()).toEqual(before);
  });

  test('an exclusive lock of another host stops a backup, which leaves it alone', async () => {
    await kill(await lockedBy(restic, 'check', 'elsewhere.example'));
    const before = locks();
    const result = await backup();
    expect(result.exitCode).toBe(4);
    expect(result.json().error.message).toContain('elsewhere.example');
    expect(locks()).toEqual(before);
  });
});

/** A restic, on this host or one that calls itself something else, that has locked the repository and stands still. */
async function lockedBy(restic: ResticAge, command: 'backup' | 'check', host?: string): Promise<ChildProcess> {
  const args = command === 'backup' ? ['backup', '--stdin', '--stdin-filename', 'x'] : ['check', '--no-cache'];
  const whole = [stack.bench.restic[restic], ...args];
  const [program = '', ...rest] = host === undefined ? whole : underHostName(host, whole);
  const before = repositoryFiles(stack.repository, 'locks').length;
  const child = spawn(program, rest, {env: plainResticEnvironment(stack, {restic}), stdio: ['pipe', 'ignore', 'ignore']});
  // A check ends soon; one that reads from a pipe waits by itself.
  await waitUntil(() => repositoryFiles(stack.repository, 'locks').length > before, 20_000, 1);
  if (command === 'check') child.kill('SIGSTOP');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
