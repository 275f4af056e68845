import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit} from '../support/cli.ts';
import {copyCheckout, makeRelease, startServer, type FreshServer, type ServerOptions} from '../support/fresh-server.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;
beforeAll(async () => {
  stack = await startStack(bench, {heartbeat: false});
  await stack.psql('create table visits as select generate_series(1, 100) as id');
  await writeFile(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  await mkdir(join(stack.scratch, 'sources'));
});
afterAll(() => stack?.stop());

const fresh: {what: string; image: ServerOptions['image']; source: () => Promise<string>; words: string[]}[] = [
  {what: 'Debian 12, from a release with its own Node', image: 'debianBookworm', source: () => makeRelease(join(stack.scratch, 'sources/release')), words: ['--restore-test']},
  {what: 'Debian 13 without Node, from sources without git', image: 'debian', source: () => copyCheckout(join(stack.scratch, 'sources/checkout')), words: []},
];

for (const {what, image, source, words} of fresh) {
  test(`a fresh ${what}: one run to a verified backup, another changes nothing`, {timeout: 500_000}, async () => {
    const server = await startServer(bench, stack, {image, source: await source()});
    try {
      const first = await server.bootstrap('--config', '/root/bootstrap.conf', '--non-interactive', ...words);
      expectExit(first, 0);
      await expectInstalled(server, first.stdout);
      if (words.includes('--restore-test')) expect(JSON.parse(await server.read('/opt/timetiles/state/restore-tests.json'))).not.toEqual({});

      const before = await server.tree();
      const second = await server.bootstrap('--config', '/root/bootstrap.conf', '--non-interactive', ...words);
      expectExit(second, 0);
      expect(second.stdout).toContain('Nothing had to be done.');
      expect(await server.tree()).toBe(before);
    } finally {
      await server.stop();
    }
  });
}

/** What an operator was promised: a verified set, a schedule that runs, and no secret where it does not belong. */
async function expectInstalled(server: FreshServer, said: string): Promise<void> {
  const {sets} = JSON.parse((await server.run(['timetiles', 'backup', 'list', '--json'])).stdout);
  expect(sets).toMatchObject([{state: 'complete', suspicious: false, snapshots: [{source: 'db'}, {source: 'uploads'}]}]);
  expect(said).toContain('The repository is sound');
  expectExit(await server.run(['timetiles', 'backup', 'status']), 0);

  const crontab = (await server.run(['crontab', '-l'])).stdout;
  expect(crontab).toContain('/opt/timetiles/tool/current/bin/run.js backup --wait 6h --quiet');
  // The night's own line, as cron would run it.
  const line = crontab.split('\n').find((row) => row.startsWith('17 * * * *'))?.replace('17 * * * * ', '');
  expectExit(await server.run(['env', '-i', 'HOME=/root', 'sh', '-c', line ?? 'false']), 0);

  const environment = await server.read('/opt/timetiles/.env.production');
  const password = /^RESTIC_PASSWORD='([\w-]{32})'$/m.exec(environment)?.[1] ?? 'none';
  expect(said).not.toContain(password);
  expect(said).toContain('sudo tail -n 1 /opt/timetiles/.env.production');
  const modes = (await server.run(['stat', '--format', '%a %n', ...secretPaths])).stdout;
  expect(modes).toBe(`700 ${secretPaths[0]}\n${secretPaths.slice(1).map((path) => `600 ${path}\n`).join('')}`);
  const left = await server.run(['bash', '-c', 'ls -A /opt/timetiles/tool; ls -d /tmp/tmp.* /usr/sbin/policy-rc.d']);
  expect(left.stdout).toMatch(/^[\d.]+-[0-9a-f]{8}\ncurrent\n$/);
}

const secretPaths = ['', '/bootstrap.conf', '/.env.production', '/state/bootstrap.steps'].map((path) => `/opt/timetiles${path}`);
