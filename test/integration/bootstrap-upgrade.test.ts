import {cp, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit} from '../support/cli.ts';
import {makeRelease, startServer, type FreshServer} from '../support/fresh-server.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {openProgram, type Terminal} from '../support/terminal.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;
let server: FreshServer;
/** On the host; the server sees it as /srv/source. */
let source: string;
beforeAll(async () => {
  stack = await startStack(bench, {heartbeat: false});
  source = join(stack.scratch, 'source');
  await makeRelease(join(source, 'old'));
  await makeRelease(join(source, 'new'), {version: '9.8.7'});
  server = await startServer(bench, stack, {image: 'serverBookworm', source});
  expectExit(await bootstrap('old', '--config', '/root/bootstrap.conf'), 0);
});
afterAll(async () => {
  await server?.stop();
  await stack?.stop();
});

const bootstrap = (release: string, ...words: string[]) => server.run([`/srv/source/${release}/bootstrap/bootstrap.sh`, '--non-interactive', ...words]);
const versions = async () => (await server.run(['ls', '/opt/timetiles/tool'])).stdout.trim().split('\n').map((name) => name.split('-')[0]);
const version = async () => /timetiles\/(\S+)/.exec((await server.run(['timetiles', '--version'])).stdout)?.[1];
/** What an upgrade may not touch. */
const kept = async () => [await server.read('/opt/timetiles/bootstrap.conf'), await server.read('/opt/timetiles/.env.production'), (await server.run(['crontab', '-l'])).stdout];

test('from a newer release: the tool changes, configuration, password and crontab do not, and the old version stays beside it', async () => {
  // What the operator chose since the installation.
  expectExit(await server.run(['timetiles', 'backup', 'auto', '--schedule', '30 3 * * *', '--random-delay', '20m']), 0);
  const [before, old] = [await kept(), await version()];
  // The way of the first README: a link into a checkout.
  await server.run(['ln', '-sfn', '/root/checkout/bin/run.js', '/usr/local/bin/timetiles']);
  const result = await bootstrap('new');
  expectExit(result, 0);
  expect(result.stdout).toContain('led to /root/checkout/bin/run.js, and now leads to /opt/timetiles/tool/current/bin/timetiles');
  expect([await version(), await kept()]).toEqual(['9.8.7', before]);
  expect(await versions()).toEqual([old, '9.8.7', 'current']);
  expectExit(await server.run(['timetiles', 'backup', 'status']), 0);
  // And back, the same way.
  expectExit(await bootstrap('old'), 0);
  expect([await version(), await kept()]).toEqual([old, before]);
});

const faults: {what: string; harm: (release: string) => Promise<unknown>; archive?: boolean; exitCode: number; says: RegExp}[] = [
  {what: 'does not start', harm: (release) => writeFile(join(release, 'bin/run.js'), 'throw new Error("broken")\n'), exitCode: 1, says: /does not start/},
  {what: 'lacks a part', harm: (release) => rm(join(release, 'dist/chunks'), {recursive: true}), exitCode: 1, says: /not whole/},
  {what: 'refuses the present configuration', harm: (release) => forgetKey(release), exitCode: 2, says: /bootstrap\.conf:2: BACKUP_MIN_FREE_GB[^]*nothing was changed/},
  {what: 'comes as an archive and does the same', harm: (release) => forgetKey(release), archive: true, exitCode: 2, says: /no good for timetiles 9\.8\.7[^]*timetiles \S+ stays installed/},
];
/** A later version could know a key no more. */
const forgetKey = async (release: string) => {
  await execa('bash', ['-c', 'grep -rl BACKUP_MIN_FREE_GB "$1/dist" | xargs sed -i s/BACKUP_MIN_FREE_GB/BACKUP_LEAST_FREE_GB/g', 'forget', release]);
};

test.each(faults)('a new version that $what is not installed, and the old one works on', async ({harm, archive, exitCode, says}) => {
  const release = join(source, 'bad');
  await cp(join(source, 'new'), release, {recursive: true});
  await harm(release);
  // The place where versions are staged notices that one came and went.
  const tree = async () => (await server.tree()).replace(/^(\/opt\/timetiles\/tool d 755 0:0) .*/m, '$1');
  const before = await tree();
  if (archive) await execa('tar', ['--create', '--gzip', '--file', join(source, 'bad.tgz'), '--directory', source, 'bad'], {env: {GZIP: '-1'}});
  const result = archive ? await bootstrap('old', '--tool', '/srv/source/bad.tgz') : await bootstrap('bad');
  await rm(release, {recursive: true});
  expect(result.stderr).toMatch(says);
  expect(result.exitCode).toBe(exitCode);
  expect(await tree()).toBe(before);
  expectExit(await server.run(['timetiles', 'doctor']), 0);
});

test('uninstall takes away what bootstrap installed; what was backed up can be read without it, and installed again', async () => {
  const [configuration, environment] = await kept();
  const refused = await server.run(['/srv/source/old/bootstrap/uninstall.sh', '--delete-repositories-and-passwords']);
  expect(refused).toMatchObject({exitCode: 2, stderr: expect.stringContaining('says so twice')});

  const uninstall = () => server.run(['/opt/timetiles/tool/current/bootstrap/uninstall.sh']);
  const result = await uninstall();
  expectExit(result, 0);
  expect(result.stdout).toMatch(/What stays:\n {2}the repository {5}\/opt\/timetiles\/backups\/restic-repo/);
  const left = await server.run(['bash', '-c', 'crontab -l; find /usr/local -name "*timetiles*"; ls /etc/logrotate.d/timetiles; ls -A /opt/timetiles']);
  expect(left.stdout).toBe('.env.production\nbackups\nbootstrap.conf\nstate\n');
  const password = /RESTIC_PASSWORD='(.*)'/.exec(environment ?? '')?.[1] ?? '';
  expectExit(await server.run(['restic', '--repo', '/opt/timetiles/backups/restic-repo', 'snapshots'], {environment: {RESTIC_PASSWORD: password}}), 0);
  expectExit(await server.run(['/srv/source/old/bootstrap/uninstall.sh']), 0);

  expectExit(await bootstrap('old'), 0);
  expect((await kept()).slice(0, 2)).toEqual([configuration, environment]);
  expect(JSON.parse((await server.run(['timetiles', 'backup', 'list', '--json'])).stdout).sets).toHaveLength(1);
});

test('told twice, uninstall deletes repository, configuration, state and password as well, and nothing of the app', async () => {
  const environment = await server.read('/opt/timetiles/.env.production');
  await server.write('/opt/timetiles/.env.production', `APP_SECRET="x"\n${environment}`);
  const twice = ['--delete-repositories-and-passwords', '--delete-repositories-and-passwords'];
  expectExit(await server.run(['/srv/source/old/bootstrap/uninstall.sh', ...twice]), 0);
  expect((await server.run(['ls', '-A', '/opt/timetiles'])).stdout).toBe('.env.production\n');
  expect(await server.read('/opt/timetiles/.env.production')).toBe('APP_SECRET="x"\n');
});

test('on a terminal it asks first and shows the new password once; deleting all backups has to be typed twice', async () => {
  const onTerminal = async (command: string[], work: (terminal: Terminal) => Promise<void>): Promise<number> => {
    const environment = {PATH: process.env['PATH'] ?? '', TERM: 'xterm', DOCKER_HOST: bench.dockerHost};
    const terminal = await openProgram(['docker', 'exec', '--interactive', '--tty', server.container, ...command], {scratch: stack.scratch, environment, cwd: stack.scratch});
    try {
      await work(terminal);
      return await terminal.exitCode();
    } finally {
      await terminal.close();
    }
  };
  const answer = async (terminal: Terminal, question: string, words: string) => {
    await terminal.waitFor(question);
    await terminal.type(words);
    await terminal.press('Enter');
  };
  const before = await server.tree();
  const install = ['/srv/source/old/bootstrap/bootstrap.sh', '--config', '/root/bootstrap.conf', '--skip', 'doctor,offsite,backup,schedule'];
  expect(await onTerminal(install, (terminal) => answer(terminal, 'Go on? [Y/n]', 'n'))).toBe(130);
  expect(await server.tree()).toBe(before);

  let shown = '';
  const ended = await onTerminal(install, async (terminal) => {
    await answer(terminal, 'Go on? [Y/n]', '');
    shown = await terminal.waitFor('Press Enter when it is in a safe place');
    await terminal.press('Enter');
  });
  expect(ended).toBe(0);
  const password = /RESTIC_PASSWORD='(.*)'/.exec(await server.read('/opt/timetiles/.env.production'))?.[1];
  expect(/^ {6}([\w-]{32})$/m.exec(shown)?.[1]).toBe(password);

  const purge = ['/srv/source/old/bootstrap/uninstall.sh', '--delete-repositories-and-passwords'];
  const question = (round: number) => `(${round} of 2) No backup on this server can be read after this.`;
  const declined = await onTerminal(purge, async (terminal) => {
    await answer(terminal, question(1), 'delete all backups');
    await answer(terminal, question(2), 'delete all backup');
  });
  expect(declined).toBe(130);
  expect(await version()).toBeDefined();
  const deleted = await onTerminal(purge, async (terminal) => {
    for (const round of [1, 2]) await answer(terminal, question(round), 'delete all backups');
  });
  expect(deleted).toBe(0);
  expect((await server.run(['ls', '-A', '/opt/timetiles'])).stdout).toBe('.env.production\n');
});
