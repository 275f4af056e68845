import {createHash} from 'node:crypto';
import {mkdir, symlink, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {plainRestic} from '../support/plain-restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
/** The socket of the tests' engine. */
let socket: string;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false, uploads: 'directory'});
  await makeCheapRepository(stack);
  await writeFile(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  socket = stack.bench.dockerHost.replace('unix://', '');
});
afterAll(() => stack?.stop());

/** Backs up both sources with what the environment says of Docker, and nothing else. */
async function backUp(environment: Record<string, string | undefined>) {
  const result = await timetiles(['backup', '--json'], {stack, env: {DOCKER_HOST: undefined, ...environment}});
  expectExit(result, 0);
  return result.json();
}

test('a bare path, the configuration and the current context lead to the same engine, whose files are here', async () => {
  await stack.writeConfig();
  expect(await backUp({DOCKER_HOST: socket})).toMatchObject({state: 'complete', snapshots: [{source: 'db'}, {source: 'uploads'}]});
  const context = join(stack.userHome, '.docker');
  const meta = join(context, 'contexts', 'meta', createHash('sha256').update('bench').digest('hex'));
  await mkdir(meta, {recursive: true});
  await writeFile(join(context, 'config.json'), JSON.stringify({currentContext: 'bench'}));
  await writeFile(join(meta, 'meta.json'), JSON.stringify({Name: 'bench', Metadata: {}, Endpoints: {docker: {Host: stack.bench.dockerHost, SkipTLSVerify: false}}}));
  expect(await backUp({HOME: stack.userHome})).toMatchObject({state: 'complete'});
  await writeFile(join(context, 'config.json'), JSON.stringify({currentContext: 'gone'}));
  expect(JSON.parse((await timetiles(['backup', '--json'], {stack, env: {DOCKER_HOST: undefined, HOME: stack.userHome}})).stdout)).toMatchObject({error: {kind: 'docker', message: expect.stringContaining('the docker context gone is not in')}});
  await stack.writeConfig({DOCKER_HOST: socket});
  expect(await backUp({HOME: stack.userHome})).toMatchObject({state: 'complete'});
  const {error} = JSON.parse((await timetiles(['backup', '--json'], {stack, env: {DOCKER_HOST: '/nowhere/docker.sock'}})).stdout);
  expect(error).toMatchObject({kind: 'docker', message: 'Docker does not answer at unix:///nowhere/docker.sock (ENOENT), which DOCKER_HOST names'});
});

test("a relative UPLOAD_HOST_DIR of the app's file, linked from elsewhere, begins at the compose project's directory", async () => {
  await stack.writeConfig({UPLOAD_HOST_DIR: undefined});
  const app = join(stack.scratch, 'app.env');
  await writeFile(app, 'UPLOAD_HOST_DIR=./compose/uploads\nEMAIL_FROM=noreply@${DOMAIN_NAME}\nEMAIL_SMTP_SECURE=false\n', {mode: 0o600});
  await symlink(app, join(stack.home, '.env.production'));
  await mkdir(join(stack.home, 'compose'));
  // No container of this stack says where its project is, so it begins beside the file that is read.
  await symlink(stack.uploadsPath, join(stack.home, 'compose', 'uploads'));
  const {set} = await backUp({DOCKER_HOST: socket});
  expect(await plainRestic(stack, ['ls', '--tag', `set:${set},uploads`, 'latest'])).toContain('/photo.jpg');
  // A container made by compose knows it; this one is none of the sources, and need not run.
  const directory = join(stack.scratch, 'project');
  await mkdir(join(directory, 'compose', 'uploads'), {recursive: true});
  await writeFile(join(directory, 'compose', 'uploads', 'other.jpg'), 'another');
  const image = (await stack.docker(['inspect', '--format', '{{.Image}}', stack.postgres])).stdout.trim();
  await stack.docker(['create', '--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.service=job', '--label', `com.docker.compose.project.working_dir=${directory}`, '--volume', `${directory}/compose/uploads:/uploads`, image]);
  const next = await timetiles(['backup', 'uploads', '--json'], {stack});
  expectExit(next, 0);
  expect(await plainRestic(stack, ['ls', '--tag', `set:${next.json().set},uploads`, 'latest'])).toContain('/other.jpg');
  // What nobody used was no obstacle; doctor names it all the same.
  const doctor = await timetiles(['doctor', '--json'], {stack});
  expect(JSON.parse(doctor.stdout).checks).toContainEqual(expect.objectContaining({state: 'warn', message: expect.stringContaining('line 2: EMAIL_FROM refers to ${DOMAIN_NAME}, which is not set')}));
});
