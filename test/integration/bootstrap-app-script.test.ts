import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit} from '../support/cli.ts';
import {checkout} from '../support/paths.ts';
import {makeRelease, startServer, type FreshServer} from '../support/fresh-server.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;
let server: FreshServer;

/** Tells how it was called and by whom, and hands one command back. */
const script = `#!/bin/bash
if [ "\${1:-}" = again ]; then exec timetiles "$@"; fi
printf '<%s>' "$0" "$(id -un)" "$@" "$(cat)"
[ "\${1:-}" = logs ] || exit 7
`;
/** As the script stored both; without its own names for the repository. */
const storing = `#!/bin/bash
set -euo pipefail
export RESTIC_PASSWORD='its password=' RESTIC_REPOSITORY=/opt/timetiles/backups/restic-repo
restic init
dump=$(mktemp -d)/database.sql
docker exec --env PGPASSWORD "$1" pg_dump -U "$PGUSER" --clean --if-exists "$PGDATABASE" >"$dump"
restic backup --tag db "$dump"
restic backup --tag uploads "$2"
`;
const cronFile = `# TimeTiles Cron Jobs
SHELL=/bin/bash

*/5 * * * * root /opt/timetiles/scripts/health-check.sh
0 2 * * * app /opt/timetiles/timetiles backup db >> /var/log/timetiles/backup.log 2>&1
0 3 * * 0 app /opt/timetiles/timetiles backup full >> /var/log/timetiles/backup.log 2>&1
0 4 1 * * app timetiles backup full && true
`;
const ofUser = '# mine\n0 2 * * * /opt/timetiles/backups/auto-backup.sh >> /var/log/timetiles/backup.log 2>&1\n';
const ofRoot = '0 3 * * * timetiles backup full\n';

beforeAll(async () => {
  stack = await startStack(bench, {heartbeat: false});
  await writeFile(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  server = await startServer(bench, stack, {image: 'server', source: await makeRelease(join(stack.scratch, 'release'))});
  await server.run(['useradd', '--create-home', 'app']);
  await server.run(['bash', '-c', 'mkdir -m 0755 /opt/timetiles && chown app: /opt/timetiles && ln -s ../../../opt/timetiles/timetiles /usr/local/bin/timetiles']);
  await server.write('/opt/timetiles/timetiles', script, 0o755);
  await server.write('/etc/cron.d/timetiles', cronFile, 0o644);
  await server.run(['crontab', '-u', 'app', '-'], {input: ofUser});
  await server.run(['crontab', '-'], {input: ofRoot});
});
afterAll(async () => {
  await server?.stop();
  await stack?.stop();
});

const bootstrap = (...words: string[]) => server.bootstrap('--config', '/root/bootstrap.conf', '--non-interactive', ...words);
/** All that bootstrap took or changed of what was there. */
const before = () => server.run(['bash', '-c', 'stat --format "%n %F %a %U %N" /usr/local/bin/timetiles* /etc/cron.d/timetiles; cat /etc/cron.d/timetiles; crontab -l; crontab -l -u app']);
const cronOf = async (...words: string[]) => (await server.run(['crontab', '-l', ...words])).stdout;

test('every command of docs/coming-from-the-bash-cli.md, on a server with a repository of the script', {timeout: 500_000}, async () => {
  const were = (await before()).stdout;
  await stack.psql('create table if not exists visits as select generate_series(1, 100) as id');
  await server.write('/opt/timetiles/.env.production', "RESTIC_PASSWORD='its password='\n");
  await server.write('/root/dump.sh', storing, 0o755);
  const stored = await server.run(['/root/dump.sh', stack.postgres, stack.uploadsPath], {environment: {PGPASSWORD: stack.password, PGUSER: stack.user, PGDATABASE: stack.database}});
  expectExit(stored, 0);
  const page = await readFile(join(checkout, 'docs/coming-from-the-bash-cli.md'), 'utf8');
  const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trimEnd().split('\n'));
  let ids: string[] = [];
  for (const command of commands) {
    const line = command.replace('…', () => ids.shift() ?? '…').replace(/^sudo bootstrap\/bootstrap.sh/, '$& --config /root/bootstrap.conf --non-interactive').replace('sudo bootstrap/', '/srv/source/bootstrap/');
    const result = await server.run(['bash', '-c', line], {input: ''});
    expectExit({...result, stdout: `${line}\n${result.stdout}`}, 0);
    if (command === 'timetiles backup list') {
      const {sets} = JSON.parse((await server.run(['timetiles', 'backup', 'list', '--json'])).stdout);
      // Bootstrap made a set of its own although the script's were there.
      expect(sets).toMatchObject([{earlier: false}, {earlier: true, snapshots: [{source: 'db'}, {source: 'uploads'}]}]);
      ids = [sets[1].set, sets[1].snapshots[1].id.slice(0, 8), sets[1].set];
    }
    if (command === 'timetiles backup auto --show') expect(result.stdout).toContain('/etc/cron.d/timetiles: 0 3 * * 0 app /opt/timetiles/timetiles backup full');
  }
  expect(ids).toEqual([]);
  expect((await server.run(['ls', '/tmp/look/uploads'])).stdout).toContain('photo.jpg');
  expect((await before()).stdout).toBe(were);
});

test('on a server that has the app\'s own script, and back', {timeout: 400_000}, async () => {
  const were = (await before()).stdout;
  const planned = await bootstrap('--dry-run');
  expect(planned.stdout).toContain('/usr/local/bin/timetiles is the app\'s own script now');
  expect((await before()).stdout).toBe(were);
  const installed = await bootstrap();
  expectExit(installed, 0);
  await expectHandedOver('/usr/local/bin/../../../opt/timetiles/timetiles');
  await expectReplaced(installed.stdout);

  const tree = await server.tree();
  const again = await bootstrap();
  expect(again.stdout).toContain('Nothing had to be done.');
  expect(await server.tree()).toBe(tree);
  // The app's own installation takes the name back and writes its cron file anew.
  await server.run(['ln', '-sfn', '/opt/timetiles/timetiles', '/usr/local/bin/timetiles']);
  await server.write('/etc/cron.d/timetiles', cronFile, 0o644);
  expectExit(await bootstrap(), 0);
  await expectHandedOver('/opt/timetiles/timetiles');
  expect(await server.read('/etc/cron.d/timetiles')).toContain('(/opt/timetiles): 0 2 * * * app');

  expectExit(await server.run(['/srv/source/bootstrap/uninstall.sh']), 0);
  expect((await before()).stdout).toBe(were.replace("'../../../opt/timetiles/timetiles'", "'/opt/timetiles/timetiles'"));
});

test('where the script itself has the name, it moves aside and comes back', {timeout: 200_000}, async () => {
  await server.run(['mv', '-T', '/opt/timetiles/timetiles', '/usr/local/bin/timetiles']);
  const were = (await before()).stdout;
  expectExit(await bootstrap('--step', 'tool'), 0);
  await expectHandedOver('/usr/local/bin/timetiles-app');
  expectExit(await bootstrap('--step', 'tool'), 0);
  await server.run(['mv', '/usr/local/bin/timetiles-app', '/root/kept']);
  const gone = await server.run(['timetiles', 'up', '--json']);
  expect(gone).toMatchObject({exitCode: 2, stdout: expect.stringContaining('/usr/local/bin/timetiles-app, cannot be run any more')});
  await server.run(['mv', '/root/kept', '/usr/local/bin/timetiles-app']);
  expectExit(await server.run(['/srv/source/bootstrap/uninstall.sh']), 0);
  expect((await before()).stdout).toBe(were);
});

/** What this tool does not know is the script's, word for word; the rest is this tool's. */
async function expectHandedOver(path: string): Promise<void> {
  for (const user of ['root', 'app']) {
    const up = await server.run(['timetiles', 'up', '--wait', 'a b', ''], {user, input: 'typed'});
    expect(up).toMatchObject({exitCode: 7, stdout: `<${path}><${user}><up><--wait><a b><><typed>`});
  }
  expect((await server.run(['timetiles', 'status'], {input: ''})).stdout).toBe(`<${path}><root><status><>`);
  expect((await server.run(['timetiles', '--help'])).stdout.replaceAll(/\s+/g, ' ')).toContain(`app's own script, ${path}`);
  expect((await server.run(['timetiles', '--version'])).stdout).toMatch(/^timetiles\//);
  expect(await server.run(['timetiles', 'again'])).toMatchObject({exitCode: 2, stderr: expect.stringContaining('hands it back to timetiles')});
  expect(await server.run(['timetiles', 'backup', 'clean'])).toMatchObject({exitCode: 2, stderr: expect.stringContaining('It is now: timetiles backup prune')});
}

/** One schedule, and all that was not about backups runs on. */
async function expectReplaced(said: string): Promise<void> {
  expect(said).toContain('crontab of app: 0 2 * * * /opt/timetiles/backups/auto-backup.sh');
  expect(said).toContain('a line in /etc/cron.d/timetiles runs backups too, with other things, so it stays: 0 4 1 * * app timetiles backup full && true');
  const active = (text: string) => text.split('\n').filter((line) => /^[^#]/.test(line));
  expect(active(await server.read('/etc/cron.d/timetiles'))).toEqual(['SHELL=/bin/bash', '*/5 * * * * root /opt/timetiles/scripts/health-check.sh', '0 4 1 * * app timetiles backup full && true']);
  expect(active(await cronOf('-u', 'app'))).toEqual([]);
  expect(active(await cronOf()).every((line) => line.includes('/tool/current/bin/run.js'))).toBe(true);
  const shown = JSON.parse((await server.run(['timetiles', 'backup', 'auto', '--show', '--json'])).stdout);
  expect(shown).toMatchObject({state: 'installed', earlier: {active: [], replaced: [{place: 'this crontab'}, {place: '/etc/cron.d/timetiles'}, {place: '/etc/cron.d/timetiles'}, {place: 'crontab of app'}]}});
  const full = await server.run(['timetiles', 'backup', 'full', '--json']);
  expect(JSON.parse(full.stdout)).toMatchObject({state: 'complete', snapshots: [{source: 'db'}, {source: 'uploads'}]});
  expectExit(await server.run(['timetiles', 'backup', '--offsite', 'list']), 2);
}
