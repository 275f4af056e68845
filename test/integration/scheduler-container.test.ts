import {dirname, join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {imageFor} from '../support/images.ts';
import {checkout} from '../support/paths.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let name: string;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.writeConfig();
  name = `${stack.project}-scheduler`;
});
afterAll(async () => {
  await stack?.docker(['rm', '--force', name], {mayFail: true});
  await stack?.stop();
});

test('as a service in a container, the scheduler makes the backup and stops when it is told to', async () => {
  const {bench} = stack;
  const socket = bench.dockerHost.replace('unix://', '');
  const volumes = [
    `${socket}:/var/run/docker.sock`,
    `${stack.home}:/opt/timetiles`,
    `${stack.home}:${stack.home}`,
    `${dirname(stack.uploadsPath)}:${dirname(stack.uploadsPath)}`,
    // What the image of docs/scheduler.md brings along.
    `${checkout}:${checkout}:ro`,
    `${bench.restic.newest}:/usr/local/bin/restic:ro`,
    '/usr/bin/docker:/usr/local/bin/docker:ro',
  ].flatMap((volume) => ['--volume', volume]);
  const image = await imageFor(bench.dockerHost, 'debian');
  const node = join(checkout, 'node_modules', '.bin', 'node');
  const service = ['--name', name, '--hostname', 'bench-backup', '--env', 'TZ=Europe/Berlin', '--network', 'none'];
  await stack.docker(['run', '--detach', ...service, ...volumes, image, node, join(checkout, 'bin', 'run.js'), 'scheduler']);

  const log = async () => (await stack.docker(['logs', name])).stderr;
  const done = await waitUntil(async () => /ended with/.test(await log()), 60_000, 200);
  expect([done, await log()]).toEqual([true, expect.stringMatching(/time zone Europe\/Berlin; the next one \S+ 02:00[^]*is complete[^]*ended with exit code 0/)]);
  expect((await plainSnapshots(stack)).flatMap(({tags}) => tags)).toEqual(expect.arrayContaining(['db', 'uploads', 'manifest']));

  await stack.docker(['stop', '--time', '20', name]);
  const {stdout} = await stack.docker(['inspect', '--format', '{{.State.ExitCode}}', name]);
  expect(stdout.trim()).toBe('0');
});
