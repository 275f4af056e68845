import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit} from '../support/cli.ts';
import {dotenvText} from '../support/dotenv.ts';
import {makeRelease, startServer, type FreshServer} from '../support/fresh-server.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;
let source: string;
beforeAll(async () => {
  stack = await startStack(bench, {heartbeat: false});
  await stack.psql("create table visits as select 'a row' as word");
  await writeFile(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  source = await makeRelease(join(stack.scratch, 'release'));
});
afterAll(() => stack?.stop());

async function withServer(work: (server: FreshServer) => Promise<void>): Promise<void> {
  const server = await startServer(bench, stack, {image: 'server', source});
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

const words = ['--config', '/root/bootstrap.conf', '--non-interactive'];
/** What bootstrap says as each step begins, and in the middle of those that take a while; each run comes a little further. */
const moments = [
  /^\[1\/9\] /m,
  /^\[2\/9\] /m,
  /^\[3\/9\] /m,
  /timetiles .* in \/opt\/timetiles\/tool/,
  /^\[4\/9\] /m,
  /^\[5\/9\] /m,
  /^\[6\/9\] /m,
  /^\[7\/9\] /m,
  /making the repository/,
  /backing up uploads/,
  /checking the structure/,
  /^\[8\/9\] /m,
  /The schedule is installed/,
  /^\[9\/9\] /m,
];

test('killed at every step and in the middle of the long ones, it completes when started again', {timeout: 400_000}, () =>
  withServer(async (server) => {
    const passwords = new Set<string>();
    for (const moment of moments) {
      await server.killedAt(moment, 'KILL', ...words);
      const {stdout} = await server.run(['cat', '/opt/timetiles/.env.production']);
      if (stdout !== '') passwords.add(stdout);
    }
    expectExit(await server.bootstrap(...words), 0);
    passwords.add(await server.read('/opt/timetiles/.env.production'));
    expect([...passwords]).toEqual([expect.stringMatching(/^# .*\nRESTIC_PASSWORD='[\w-]{32}'\n$/)]);
    const {sets} = JSON.parse((await server.run(['timetiles', 'backup', 'list', '--json'])).stdout);
    expect(sets.filter(({state}: {state: string}) => state === 'complete')).not.toEqual([]);
    expectExit(await server.run(['timetiles', 'backup', 'verify']), 0);
    expect((await server.run(['crontab', '-l'])).stdout.match(/^# timetiles begin/gm)).toHaveLength(1);
    expect((await server.run(['ls', '-A', '/opt/timetiles/tool', '/opt/timetiles'])).stdout).not.toMatch(/incoming|\.next|timetiles-/);
    const before = await server.tree();
    expect((await server.bootstrap(...words)).stdout).toContain('Nothing had to be done.');
    expect(await server.tree()).toBe(before);
  }));

test('asked to end, it ends what it runs, says what is done, and how to go on', () =>
  withServer(async (server) => {
    const ended = await server.killedAt(/backing up db/, 'TERM', ...words);
    expect(ended).toMatchObject({exitCode: 130, stderr: expect.stringMatching(/Interrupted\.[^]*stopped at \[7\/9\] backup[^]*tool: installing[^]*Go on with: sudo /)});
    expect((await server.run(['bash', '-c', 'grep -l restic /proc/[0-9]*/comm'])).stdout).toBe('');
    expect((await server.run(['ls', '/opt/timetiles/backups/restic-repo/locks'])).stdout).toBe('');
  }));

/** All 95 printable characters; no value of the files can hold all three quotes and a number sign, so the first two share them. */
const printable = Array.from({length: 95}, (_, index) => String.fromCharCode(32 + index)).join('');
const passwords = [
  {what: 'in backquotes', password: printable.replace('`', ''), config: (password: string) => dotenvText({RESTIC_PASSWORD: password})},
  {what: 'in single quotes', password: printable.replace("'", ''), config: (password: string) => `RESTIC_PASSWORD='${password}'\n`},
  {what: 'in a file', password: printable.trim(), config: () => 'RESTIC_PASSWORD_FILE="/root/password"\n'},
];

for (const {what, password, config} of passwords) {
  test(`a password of every printable character, ${what}, opens everything from the first backup to a restore`, () =>
    withServer(async (server) => {
      await server.write('/root/password', `${password}\n`);
      await server.write('/root/bootstrap.conf', `${await server.read('/root/bootstrap.conf')}${config(password)}`);
      const done = await server.bootstrap(...words);
      expectExit(done, 0);
      expect(`${done.stdout}${done.stderr}`).not.toContain(password.slice(0, 20));
      expect((await server.run(['ls', '/opt/timetiles/.env.production'])).exitCode).not.toBe(0);
      // restic itself, which knows nothing of our files, takes the very same characters.
      expectExit(await server.run(['restic', '--repo', '/opt/timetiles/backups/restic-repo', 'cat', 'config'], {environment: {RESTIC_PASSWORD: password}}), 0);
      expectExit(await server.run(['timetiles', 'restore', 'latest', '--target', '/root/restored', '--yes']), 0);
      const restored = await server.run(['bash', '-c', 'cat $(find /root/restored -name photo.jpg) && grep -h "a row" $(find /root/restored -name "*.sql")']);
      expect(restored.stdout).toBe('a photoa row\n');
    }));
}
