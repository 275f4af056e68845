import {readFile, symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {execa} from 'execa';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit, timetiles, toolEnvironment} from '../support/cli.ts';
import {startCron, type Cron} from '../support/cron.ts';
import {checkout} from '../support/paths.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let cron: Cron;
let env: Record<string, string>;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  const forCron = {RESTIC_CACHE_DIR: `${stack.scratch}/cache`, LOG_DIR: `${stack.scratch}/log`};
  await stack.writeConfig(forCron);
  await stack.writeConfig(forCron, {file: "100% o'clock.conf"});
  cron = await startCron(stack);
  const restic = stack.bench.restic.newest;
  env = {PATH: `${cron.path}:${restic.slice(0, restic.lastIndexOf('/'))}:${process.env['PATH'] ?? ''}`};
});
afterAll(async () => {
  await cron?.stop();
  await stack?.stop();
});

const auto = (...args: string[]) => timetiles(['backup', 'auto', ...args], {stack, env});
const sets = async () => (await plainSnapshots(stack).catch(() => [])).filter(({tags}) => tags.includes('manifest'));

test('a backup that cron makes, and after --disable no other, and the crontab byte for byte as before', async () => {
  const before = Buffer.from('# mine\r\nMAILTO=""\r\nSHELL = /bin/sh\n\n0 5 1 1 * true # \u00ff\n', 'latin1');
  await cron.write(before);
  // Within one second of the last change cron would not see the next.
  await sleep(1100);
  const config = join(stack.home, "100% o'clock.conf");
  const request = ['--schedule', '* * * * *', '--config', config];

  const installed = await auto(...request, '--json');
  expectExit(installed, 0);
  expect(installed.json()).toMatchObject({state: 'installed', schedule: '* * * * *', cron: {installed: true, running: true}, warnings: []});
  expect(installed.json().next).toHaveLength(5);
  const block = await cron.read();
  expect(block?.subarray(0, before.length)).toEqual(before);

  const again = await auto(...request);
  expect(again.stdout).toContain('installed already; nothing was changed');
  expect(await cron.read()).toEqual(block);
  const shown = await auto('--show', '--config', config);
  expect(shown.stdout).toMatch(/^The schedule is installed: "\* \* \* \* \*", time zone \S+\.\n# Written[^]*Next backups:\n( {2}\S+ \S+ \S+\n){4} {2}\S+ \S+ \S+$/m);

  expect(await waitUntil(async () => (await sets()).length > 0, 75_000, 500)).toBe(true);
  const removed = await auto('--disable', '--config', config);
  const atEnd = Date.now();
  expect(removed.stdout).toContain('The schedule was removed');
  expect(await cron.read()).toEqual(before);
  const log = () => readFile(join(stack.scratch, 'log', 'cron.log'), 'utf8');
  await waitUntil(async () => (await log()).includes('is complete'), 10_000);
  expect(await log()).toMatch(/^Set \S+ is complete\.$/m);

  const [madeSets, told] = [await sets(), await log()];
  const nextMinute = 60_000 - (atEnd % 60_000);
  await sleep(nextMinute + 4000);
  expect([await sets(), await log()]).toEqual([madeSets, told]);
  // Two turns of the minute, each up to a minute away.
}, 200_000);

test('the block names the path that will lead to the new version after an upgrade', async () => {
  await cron.write(Buffer.from('# mine\n'));
  const current = join(stack.scratch, 'current');
  await symlink(checkout, current);
  // Through the launcher, as an installed tool is started.
  const result = await execa(join(current, 'bin/timetiles'), ['backup', 'auto'], {env: toolEnvironment({stack, env}), extendEnv: false, reject: false});
  expectExit({exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr}, 0);
  const lines = String(await cron.read());
  expect(lines).toContain(`${process.execPath} ${current}/bin/run.js backup`);
  expect(lines).not.toContain(`${checkout}/bin`);
  // Started in any other way, the same installation is named by where it lies.
  expect((await auto()).stdout).toContain('The schedule was changed');
  expect(String(await cron.read())).toContain(`${process.execPath} ${checkout}/bin/run.js backup`);
});

test('a block that was edited by hand is not lost without a word', async () => {
  await cron.write(Buffer.from('# mine\n'));
  await auto('--random-delay', '1h');
  const edited = Buffer.from(String(await cron.read()).replace('0 2 * * *', '0 4 * * *'));
  await cron.write(edited);

  const refused = await auto('--disable', '--json');
  expect(refused.exitCode).toBe(2);
  expect(refused.json().error).toMatchObject({message: expect.stringContaining('edited by hand'), next: expect.stringContaining('--yes')});
  expect(await cron.read()).toEqual(edited);

  const terminal = await openTerminal(['backup', 'auto'], {stack, env});
  await terminal.waitFor('Give these edits up?');
  await terminal.press('Enter');
  expect(await terminal.exitCode()).toBe(130);
  await terminal.close();
  expect(await cron.read()).toEqual(edited);

  expect((await auto('--show')).stdout).toContain('was changed by hand');
  expect((await auto('--disable', '--yes')).exitCode).toBe(0);
  expect(String(await cron.read())).toBe('# mine\n');
});

test('where there was no crontab, there is none afterwards', async () => {
  await cron.remove();
  await auto();
  const lines = String(await cron.read()).split('\n').filter((line) => !line.startsWith('#'));
  expect(lines).toEqual([
    expect.stringMatching(/^0 2 \* /),
    expect.stringMatching(/^17 /),
    expect.stringMatching(/^@reboot sleep 300; /),
    expect.stringMatching(/^30 4 \* \* 0 .* prune .*; .* verify --read-data=10\\% /),
    expect.stringMatching(/^30 5 1 \* \* .* verify --restore-test --wait 6h/),
    '',
  ]);
  expect((await auto('--disable')).exitCode).toBe(0);
  expect(await cron.read()).toBeUndefined();
  expect((await auto('--disable')).stdout).toContain('nothing was changed');
});
