import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {closeSync, openSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it} from 'vitest';
import {baseEnvironment} from '../../../src/process/environment.ts';
import {startOfProcess} from '../../../src/process/host.ts';
import {describeEnd, runCommand, startCommand} from '../../../src/process/run.ts';
import {problem, temporaryDirectory, thrownBy} from '../support.ts';

const env = baseEnvironment();
const shell = (script: string) => ({file: 'sh', args: ['-c', script], env});

async function until(question: () => boolean, limit = 5000): Promise<boolean> {
  for (const end = Date.now() + limit; Date.now() < end; await sleep(20)) if (question()) return true;
  return question();
}

describe('runCommand', () => {
  it('answers with output, errors and exit code, whatever it is', async () => {
    expect(await runCommand(shell('echo out; echo err >&2; exit 7'))).toEqual({exitCode: 7, signal: undefined, stdout: 'out\n', stderr: 'err\n'});
  });

  it('hands lines on as they come, split anywhere, the last one without its end too', async () => {
    const lines: string[] = [];
    const result = await runCommand({...shell("printf 'a\\nb'; sleep 0.05; printf 'c\\n\\303'; sleep 0.05; printf '\\274'"), stdout: {onLine: (line) => lines.push(line)}});
    expect(lines).toEqual(['a', 'bc', 'ü']);
    expect(result.stdout).toBe('');
  });

  it('writes a text to stdin, and does not mind when nobody reads it', async () => {
    expect((await runCommand({...shell('cat'), stdin: {text: 'ü\n'}})).stdout).toBe('ü\n');
    expect((await runCommand({...shell('exit 3'), stdin: {text: 'x'.repeat(1e6)}})).exitCode).toBe(3);
  });

  it('reads and writes descriptors', async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'in'), 'through');
    const [input, output] = [openSync(join(directory, 'in'), 'r'), openSync(join(directory, 'out'), 'w')];
    await runCommand({...shell('cat'), stdin: {fd: input}, stdout: {fd: output}});
    [input, output].forEach((fd) => closeSync(fd));
    expect(readFileSync(join(directory, 'out'), 'utf8')).toBe('through');
  });

  it('gives the child what it is given and nothing else', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'leak';
    try {
      const {stdout} = await runCommand({file: 'env', args: [], env: {PATH: env['PATH'] ?? '', ONLY: 'this'}});
      expect(stdout.trim().split('\n').toSorted()).toEqual(['ONLY=this', `PATH=${env['PATH']}`]);
      expect(JSON.stringify(baseEnvironment())).not.toContain('leak');
    } finally {
      delete process.env['AWS_SECRET_ACCESS_KEY'];
    }
  });

  it('keeps the beginning and the end of a long stderr, and all of a shorter one', async () => {
    const {stderr} = await runCommand(shell('seq 100000 >&2'));
    expect(stderr.length).toBeLessThanOrEqual(4096 + 1 + 16_384);
    expect(stderr).toMatch(/^1\n2\n[^]*\n100000\n$/);
    const short = Array.from({length: 3500}, (_, index) => `${index + 1}\n`).join('');
    expect((await runCommand(shell('seq 3500 >&2'))).stderr).toBe(short);
  });

  it.each([
    [{file: 'no-such-program'}, 'the program no-such-program cannot be started (ENOENT)', 'apt-get install no-such-program'],
    [{file: 'no-such-program', interruptWhenOrphaned: true}, 'the program no-such-program cannot be started (ENOENT)', 'apt-get install no-such-program'],
    [{file: 'docker', env: {PATH: '/nowhere'}}, 'the program docker cannot be started', 'apt-get install docker.io'],
    [{file: import.meta.filename}, 'cannot be started (EACCES)', /./],
  ])('names a program that is missing: %j', async (request, message, next) => {
    expect(await thrownBy(() => runCommand({args: [], env, ...request}))).toMatchObject(problem('program-missing', message, next));
  });

  it('says in words how a child ended', async () => {
    expect(describeEnd(await runCommand(shell('exit 4')))).toBe('exit code 4');
    expect(describeEnd(await runCommand(shell('kill -9 $$')))).toBe('signal SIGKILL');
  });
});

describe('an abort', () => {
  it('interrupts the child, waits for its clean-up, and rejects with the reason', async () => {
    const path = join(temporaryDirectory(), 'cleaned');
    const controller = new AbortController();
    const lines: string[] = [];
    const running = startCommand({
      ...shell(`trap 'sleep 0.2; echo yes >${path}; exit 0' INT; echo ready; while :; do sleep 0.05; done`),
      signal: controller.signal,
      stdout: {onLine: (line) => lines.push(line)},
    });
    expect(await until(() => lines.includes('ready'))).toBe(true);
    controller.abort(new Error('the operator'));
    await expect(running.result).rejects.toThrow('the operator');
    expect(readFileSync(path, 'utf8')).toBe('yes\n');
    expect(startOfProcess(running.pid)).toBeUndefined();
  });

  it('is told from a time limit, which ends a child that does not answer', async () => {
    const begin = Date.now();
    const request = {...shell('exec sleep 60'), limit: 0.2, signal: new AbortController().signal};
    expect(await thrownBy(() => runCommand(request))).toMatchObject(problem('timeout', 'sh did not answer within 0.2 seconds', /./));
    expect(Date.now() - begin).toBeLessThan(10_000);
    expect(await runCommand({...shell('echo in time'), limit: 30})).toMatchObject({exitCode: 0, stdout: 'in time\n'});
  });

  it.each([
    ['within its limit', {limit: 60}],
    ['without a limit', {}],
  ])('a child that leaves another one running ends with its own end, %s', async (_, more) => {
    const begin = Date.now();
    // What is left running has the child's output open.
    expect(await runCommand({...shell('sleep 20 & echo started; echo a word >&2; exit 3'), ...more})).toEqual({exitCode: 3, signal: undefined, stdout: 'started\n', stderr: 'a word\n'});
    expect(Date.now() - begin).toBeLessThan(10_000);
  });

  it('kills a child that does not mind the interrupt, after its grace', async () => {
    const begin = Date.now();
    const request = {...shell("trap '' INT; while :; do sleep 0.1; done"), limit: 0.3, grace: 0.3};
    expect(await thrownBy(() => runCommand(request))).toMatchObject(problem('timeout', 'sh did not answer within 0.3 seconds', /./));
    expect(Date.now() - begin).toBeLessThan(10_000);
  });

  it('starts nothing once it has happened', () => {
    const path = join(temporaryDirectory(), 'made');
    expect(() => startCommand({...shell(`touch ${path}`), signal: AbortSignal.abort(new Error('too late'))})).toThrow('too late');
  });
});

describe('startCommand', () => {
  it('writes to an open stdin and stops the child', async () => {
    const lines: string[] = [];
    const running = startCommand({...shell('cat'), stdin: 'pipe', stdout: {onLine: (line) => lines.push(line)}});
    running.write('one\n');
    expect(await until(() => lines.includes('one'))).toBe(true);
    running.closeInput();
    expect((await running.result).exitCode).toBe(0);
    const sleeping = startCommand(shell('exec sleep 60'));
    await sleep(50);
    sleeping.stop();
    expect((await sleeping.result).signal).toBe('SIGINT');
  });

  it('a child that is to be interrupted when orphaned gets SIGINT when its parent is killed', async () => {
    const directory = temporaryDirectory();
    const [ready, path] = [join(directory, 'ready'), join(directory, 'interrupted')];
    const script = `trap 'echo yes >${path}; exit' INT; echo $$ >${ready}; while :; do sleep 0.05; done`;
    const run = new URL('../../../src/process/run.ts', import.meta.url).href;
    const program = `const {startCommand} = await import(${JSON.stringify(run)});
      await startCommand({file: 'bash', args: ['-c', ${JSON.stringify(script)}], env: {PATH: process.env.PATH}, interruptWhenOrphaned: true}).result;`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {stdio: 'ignore'});
    const read = (file: string) => {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    };
    expect(await until(() => read(ready).endsWith('\n'))).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    expect(await until(() => read(path) === 'yes\n')).toBe(true);
    expect(await until(() => startOfProcess(Number(read(ready))) === undefined)).toBe(true);
  });
});

describe('startOfProcess', () => {
  it('tells when a process was started', () => {
    const mine = startOfProcess(process.pid)?.getTime() ?? 0;
    expect(Math.abs(mine - (Date.now() - process.uptime() * 1000))).toBeLessThan(3000);
    expect(startOfProcess(2 ** 22 + 1)).toBeUndefined();
  });

  it('takes a process that has ended for gone, although its parent takes no note', async () => {
    // The shell becomes a program that never waits for the child, which ends no earlier: the shell would take note.
    const parent = spawn('sh', ['-c', 'while grep -qx sh /proc/$$/comm; do sleep 0.05; done & echo $!; exec sleep 60'], {stdio: ['ignore', 'pipe', 'ignore']});
    const [pid] = await once(parent.stdout, 'data');
    const child = Number(pid);
    const state = () => readFileSync(`/proc/${child}/stat`, 'utf8').split(') ')[1]?.[0];
    expect(await until(() => state() === 'Z')).toBe(true);
    expect(startOfProcess(child)).toBeUndefined();
    parent.kill();
  });
});
