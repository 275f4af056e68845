import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit} from '../support/cli.ts';
import {withSmallDisk} from '../support/disk.ts';
import {dotenvText} from '../support/dotenv.ts';
import {makeRelease, startServer, type FreshServer, type ServerOptions} from '../support/fresh-server.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;
let source: string;
beforeAll(async () => {
  stack = await startStack(bench, {heartbeat: false});
  source = await makeRelease(join(stack.scratch, 'release'));
});
afterAll(() => stack?.stop());

async function withServer<T>(work: (server: FreshServer) => Promise<T>, options: Partial<ServerOptions> = {}): Promise<T> {
  const server = await startServer(bench, stack, {image: 'serverBookworm', source, ...options});
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

const words = ['--config', '/root/bootstrap.conf', '--non-interactive'];

describe('what is found before anything is changed', () => {
  let server: FreshServer;
  beforeAll(async () => {
    server = await startServer(bench, stack, {image: 'serverBookworm', source});
  });
  afterAll(() => server?.stop());

  const config = (text: string) => () => server.write('/root/bad.conf', text);
  const refusals: {what: string; prepare?: () => Promise<unknown>; words?: string[]; environment?: Record<string, string>; user?: string; exitCode: number; says: RegExp}[] = [
    {what: 'an unknown option', words: ['--fast'], exitCode: 2, says: /bootstrap does not know --fast\nSee .* --help/},
    {what: 'an unknown step', words: ['--step', '35'], exitCode: 2, says: /there is no step 35\nSee .* --list/},
    {what: 'a relative directory', words: ['--home', 'here'], exitCode: 2, says: /--home here is no absolute path/},
    {what: 'another user than root', user: 'nobody', exitCode: 1, says: /needs root[^]*sudo/},
    {what: 'a missing configuration', words: ['--config', '/root/none.conf'], exitCode: 2, says: /--config \/root\/none\.conf is no file/},
    {what: 'a misspelt key', prepare: config('RESTIC_PASWORD="x"\n'), words: ['--config', '/root/bad.conf'], exitCode: 2, says: /bad\.conf:1: .*did you mean RESTIC_PASSWORD[^]*nothing was changed/},
    {what: 'a bad value', prepare: config('COMPOSE_PROJECT_NAME="a"\nBACKUP_KEEP_DAILY="many"\n'), words: ['--config', '/root/bad.conf'], exitCode: 2, says: /bad\.conf:2: BACKUP_KEEP_DAILY/},
    {what: 'a quote that never closes', prepare: config('COMPOSE_PROJECT_NAME="a\n'), words: ['--config', '/root/bad.conf'], exitCode: 2, says: /bad\.conf:1: COMPOSE_PROJECT_NAME opens a " that is never closed/},
    {what: 'a password in the shell alone', environment: {RESTIC_PASSWORD: 'only here'}, exitCode: 2, says: /RESTIC_PASSWORD is set in this shell alone/},
    {what: 'a tool that is none', words: ['--tool', '/etc'], exitCode: 2, says: /\/etc is neither a release of timetiles nor a checkout/},
    {what: 'an unknown system', prepare: () => osRelease('fedora', '42'), exitCode: 1, says: /not supported: bootstrap knows Debian 12 and 13[^]*TIMETILES_BOOTSTRAP_ANY_SYSTEM=1/},
    {what: 'a dry run', prepare: () => osRelease('debian', '12'), words: [...words, '--dry-run'], exitCode: 0, says: /\[3\/9\] tool: to do: installing from the release[^]*Nothing was changed/},
  ];
  const osRelease = (id: string, version: string) => server.write('/etc/os-release', `ID=${id}\nVERSION_ID="${version}"\nPRETTY_NAME="${id} ${version}"\n`, 0o644);

  test.each(refusals)('$what', async ({prepare, words: given, environment = {}, user, exitCode, says}) => {
    await prepare?.();
    const before = await server.tree();
    const result = await server.run(['/srv/source/bootstrap/bootstrap.sh', ...(given ?? words)], {environment, ...(user === undefined ? {} : {user})});
    expect(`${result.stdout}${result.stderr}`).toMatch(says);
    expect(result.exitCode).toBe(exitCode);
    expect(await server.tree()).toBe(before);
  });

  test('a second bootstrap beside the first', async () => {
    const both = await server.run(['flock', '/run/timetiles-bootstrap.lock', '/srv/source/bootstrap/bootstrap.sh', ...words]);
    expect(both).toMatchObject({exitCode: 4, stderr: expect.stringContaining('another bootstrap is running')});
  });
});

test('without a network, missing packages cannot come: it says so, and leaves no part of the tool', () =>
  withServer(
    async (server) => {
      const result = await server.bootstrap(...words);
      expect(result).toMatchObject({exitCode: 1, stderr: expect.stringMatching(/packages .*restic.* could not be installed[^]*Is there a network[^]*stopped at \[1\/9\] system/)});
      expect((await server.run(['ls', '-d', '/opt/timetiles', '/usr/local/bin/timetiles'])).stdout).toBe('');
    },
    {image: 'debianBookworm', offline: true},
  ));

test('a full disk stops it before the tool is in place, and an upgrade before the old version is touched', () =>
  withSmallDisk(100, (disk) =>
    withServer(
      async (server) => {
        const full = {exitCode: 1, stderr: expect.stringMatching(/No space left[^]*could not be copied to \/opt\/timetiles[^]*df -h[^]*stopped at \[3\/9\] tool/)};
        expect(await server.bootstrap(...words, '--step', 'tool')).toMatchObject(full);
        expect((await server.run(['ls', '-A', '/opt/timetiles/tool'])).stdout).toBe('');
        expect((await server.run(['ls', '/usr/local/bin/timetiles'])).exitCode).not.toBe(0);

        // Room for one version, and not for two.
        await execa('mount', ['-o', 'remount,size=200m', disk.path]);
        expect(await server.bootstrap(...words, '--step', 'tool')).toMatchObject({exitCode: 0});
        expect(await server.run(['bash', '-c', 'cp -R /srv/source /root/newer && sed -i \'s/"version": "[^"]*"/"version": "9.9.9"/\' /root/newer/package.json'])).toMatchObject({exitCode: 0});
        const before = await server.tree();
        expect(await server.bootstrap(...words, '--step', 'tool', '--tool', '/root/newer')).toMatchObject(full);
        expect(await server.tree()).toBe(before);
        expect(await server.run(['timetiles', 'backup', '--help'])).toMatchObject({exitCode: 0});
      },
      {disk: disk.path},
    ),
  ));

test('another directory has its own repository, is found without being named, and is what uninstall takes away', () =>
  withServer(async (server) => {
    await server.run(['bash', '-c', 'mkdir -p /opt/timetiles/backups/restic-repo && touch /opt/timetiles/backups/restic-repo/config']);
    const elsewhere = ['--home', '/srv/backup', '--skip', 'doctor,offsite,backup,schedule'];
    const first = await server.bootstrap(...words, ...elsewhere);
    expectExit(first, 0);
    expect(first.stdout).toContain('setting RESTIC_REPOSITORY in it to /srv/backup/backups/restic-repo');
    expect(JSON.parse((await server.run(['timetiles', 'config', 'show', '--json'])).stdout)).toMatchObject({
      home: '/srv/backup',
      values: expect.arrayContaining([expect.objectContaining({key: 'RESTIC_REPOSITORY', value: '/srv/backup/backups/restic-repo'})]),
    });
    expect((await server.bootstrap(...words, ...elsewhere)).stdout).toContain('Nothing had to be done.');

    expectExit(await server.bootstrap(...words, '--step', 'tool'), 0);
    await server.write('/etc/logrotate.d/timetiles', 'of both\n');
    // The command leads to the second now; the nights of the first are still there.
    await server.run(['crontab', '-'], {input: '# timetiles begin 0 none /srv/backup\n# timetiles end /srv/backup\n'});
    const uninstall = (...more: string[]) => server.run(['/srv/source/bootstrap/uninstall.sh', ...more]);
    expect(await uninstall()).toMatchObject({exitCode: 2, stderr: expect.stringMatching(/several installations[^]*--home \/opt\/timetiles, or sudo .*--home \/srv\/backup/)});
    expect(await uninstall('--home', '/srv/bakcup')).toMatchObject({exitCode: 2, stderr: expect.stringContaining('there is no directory /srv/bakcup')});
    expect(await uninstall('--home', '/opt/timetiles')).toMatchObject({exitCode: 0, stdout: expect.stringContaining('/etc/logrotate.d/timetiles stays: /srv/backup has timetiles too')});
    expectExit(await uninstall(), 0);
    const left = await server.run(['bash', '-c', 'crontab -l; ls -A /srv/backup; find /usr/local -name "*timetiles*"; ls /etc/logrotate.d/timetiles']);
    expect(left.stdout).toBe('.env.production\nbootstrap.conf\nstate\n');
  }));

describe('with an offsite repository', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway(bench);
  });
  afterAll(() => gateway?.stop());

  test('a wrong key stops before the first backup; the right one goes on to a copy of it', () =>
    withServer(async (server) => {
      const bucket = await gateway.makeBucket();
      const base = await server.read('/root/bootstrap.conf');
      const offsite = (secret: string) => dotenvText({RESTIC_OFFSITE_REPOSITORY: `s3:${gateway.endpoint}/${bucket.name}/server`, AWS_ACCESS_KEY_ID: bucket.keys.put.accessKeyId, AWS_SECRET_ACCESS_KEY: secret});
      await server.write('/root/bootstrap.conf', `${base}${offsite('not the secret')}`);
      const wrong = await server.bootstrap(...words);
      expect(wrong.exitCode).not.toBe(0);
      expect(`${wrong.stdout}${wrong.stderr}`).toMatch(/(offsite repository cannot be used|backup could not run)[^]*stopped at \[[56]\/9\]/);
      expect((await server.run(['ls', '-d', '/opt/timetiles/backups', '/etc/logrotate.d/timetiles'])).stdout).toBe('');
      expect((await server.run(['crontab', '-l'])).exitCode).not.toBe(0);
      const environment = await server.read('/opt/timetiles/.env.production');

      await server.write('/opt/timetiles/bootstrap.conf', `${base}${offsite(bucket.keys.put.secretAccessKey)}`);
      const right = await server.bootstrap('--non-interactive', '--offsite');
      expect(right).toMatchObject({exitCode: 0, stdout: expect.stringMatching(/write-only[^]*timetiles offsite kit/)});
      expect(await bucket.list('server/')).not.toEqual([]);
      expect((await server.run(['crontab', '-l'])).stdout).toContain('run.js backup --offsite --wait');
      expect(await server.read('/opt/timetiles/.env.production')).toBe(environment);
      const before = await server.tree();
      expect((await server.bootstrap('--non-interactive', '--offsite')).stdout).toContain('Nothing had to be done.');
      expect(await server.tree()).toBe(before);

      // The password is lost: another one would lock out what is in the repository.
      await server.write('/opt/timetiles/.env.production', 'APP="1"\n');
      const lost = await server.bootstrap('--non-interactive');
      expect(lost).toMatchObject({exitCode: 2, stderr: expect.stringMatching(/RESTIC_PASSWORD is not set, but there is the repository[^]*password that was used/)});
      expect(await server.read('/opt/timetiles/.env.production')).toBe('APP="1"\n');
    }));
});
