import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it} from 'vitest';
import {baseEnvironment} from '../../../src/process/environment.ts';
import {acquireFileLock} from '../../../src/process/file-lock.ts';
import {openHeldPipe} from '../../../src/process/held-pipe.ts';
import {removeTree} from '../../../src/process/remove-tree.ts';
import {runCommand, startCommand} from '../../../src/process/run.ts';
import {temporaryDirectory} from '../support.ts';

const env = baseEnvironment();

describe('openHeldPipe', () => {
  it("shows its end only after finish, with the rest that finish adds", async () => {
    const pipe = await openHeldPipe();
    const consumer = startCommand({file: 'cat', args: [], env, stdin: {fd: pipe.readFd}});
    pipe.consumerStarted(consumer.pid);
    const ended = consumer.result.then(() => 'ended');
    await runCommand({file: 'sh', args: ['-c', 'echo from the producer'], env, stdout: {fd: pipe.writeFd}});
    expect(await Promise.race([ended, sleep(300, 'waits')])).toBe('waits');
    await pipe.finish('the rest');
    expect((await consumer.result).stdout).toBe('from the producer\nthe rest');
    await pipe.close();
  });

  it('passes more than a pipe holds', async () => {
    const pipe = await openHeldPipe();
    const consumer = startCommand({file: 'wc', args: ['-c'], env, stdin: {fd: pipe.readFd}});
    pipe.consumerStarted(consumer.pid);
    await runCommand({file: 'head', args: ['-c', '3000000', '/dev/zero'], env, stdout: {fd: pipe.writeFd}});
    await pipe.finish('ü'.repeat(100_000));
    expect(Number((await consumer.result).stdout)).toBe(3_200_000);
  });

  it('keeps the end back when this process is killed: a half stream never looks whole', async () => {
    const path = join(temporaryDirectory(), 'ended');
    const module = (name: string) => JSON.stringify(new URL(`../../../src/process/${name}.ts`, import.meta.url).href);
    const program = `const {openHeldPipe} = await import(${module('held-pipe')});
      const {startCommand} = await import(${module('run')});
      const pipe = await openHeldPipe();
      const env = {PATH: process.env.PATH};
      const script = 'cat >/dev/null; echo whole >' + ${JSON.stringify(path)};
      const consumer = startCommand({file: 'bash', args: ['-c', script], env, stdin: {fd: pipe.readFd}});
      pipe.consumerStarted(consumer.pid);
      process.stdout.write(consumer.pid + '\\n');
      await consumer.result;`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {stdio: ['ignore', 'pipe', 'inherit']});
    const [text] = await once(parent.stdout, 'data');
    const consumer = Number(String(text));
    // The second holder needs a moment to start.
    await sleep(200);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await sleep(400);
    expect(() => statSync(path)).toThrow(/ENOENT/);
    process.kill(consumer, 'SIGKILL');
  });

  it('can be closed twice, before and after a consumer', async () => {
    const unused = await openHeldPipe();
    await unused.close();
    await unused.close();
    const pipe = await openHeldPipe();
    const consumer = startCommand({file: 'cat', args: [], env, stdin: {fd: pipe.readFd}});
    pipe.consumerStarted(consumer.pid);
    consumer.stop();
    expect((await consumer.result).signal).toBe('SIGINT');
    await pipe.close();
    await pipe.close();
    await expect(pipe.finish('x')).rejects.toThrow(/EBADF/);
  });
});

describe('acquireFileLock', () => {
  it('is held by one, tells the next its note, and is free again after release', async () => {
    const path = join(temporaryDirectory(), 'lock');
    writeFileSync(path, 'a longer note of a process that died long ago');
    const first = await acquireFileLock(path, 'first');
    expect(first.state).toBe('acquired');
    expect(readFileSync(path, 'utf8')).toBe('first');
    expect(await acquireFileLock(path, 'second')).toEqual({state: 'held', note: 'first'});
    if (first.state === 'acquired') first.release();
    const third = await acquireFileLock(path, 'third');
    expect(third.state).toBe('acquired');
    if (third.state === 'acquired') third.release();
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  it('makes its file for the owner alone, and says when it cannot', async () => {
    const directory = temporaryDirectory();
    const lock = await acquireFileLock(join(directory, 'lock'), '');
    expect(statSync(join(directory, 'lock')).mode & 0o777).toBe(0o600);
    if (lock.state === 'acquired') lock.release();
    await expect(acquireFileLock(join(directory, 'none', 'lock'), '')).rejects.toThrow(/ENOENT/);
  });

  it('ends with the process that holds it, even by SIGKILL', async () => {
    const path = join(temporaryDirectory(), 'lock');
    const module = JSON.stringify(new URL('../../../src/process/file-lock.ts', import.meta.url).href);
    const program = `const {acquireFileLock} = await import(${module});
      const {state} = await acquireFileLock(${JSON.stringify(path)}, 'killed');
      process.stdout.write(state);
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {stdio: ['ignore', 'pipe', 'inherit']});
    const [text] = await once(holder.stdout, 'data');
    expect(String(text)).toBe('acquired');
    expect(await acquireFileLock(path, 'mine')).toEqual({state: 'held', note: 'killed'});
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    const mine = await acquireFileLock(path, 'mine');
    expect(mine.state).toBe('acquired');
    if (mine.state === 'acquired') mine.release();
  });
});

describe('removeTree', () => {
  it('removes names that are no UTF-8 and names that look like options, and minds nothing that is gone', async () => {
    const directory = join(temporaryDirectory(), '-rf');
    await runCommand({file: 'bash', args: ['-c', String.raw`mkdir -p -- "$1"/$'a\xff'/b && touch -- "$1"/$'c\xe9'`, 'bash', directory], env});
    await removeTree(directory);
    expect(() => statSync(directory)).toThrow(/ENOENT/);
    await removeTree(directory);
  });

  it('says what could not be removed', async () => {
    await expect(removeTree('/proc/self/fd')).rejects.toThrow(/^\/proc\/self\/fd could not be removed: /);
  });
});
