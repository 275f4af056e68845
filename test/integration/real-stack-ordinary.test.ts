import {afterAll, beforeAll, expect, it} from 'vitest';
import {startComposeStack, type ComposeStack} from '../support/compose-stack.ts';
import {loadDataset} from '../support/dataset.ts';
import {imageFor, type ImageName} from '../support/images.ts';
import {operator} from '../support/operator.ts';
import {waitUntil} from '../support/processes.ts';
import {useBench} from '../support/use-bench.ts';

let stack: ComposeStack;
let tool: ReturnType<typeof operator>;
let before: Awaited<ReturnType<typeof tool.look>>;
let states: string[];

beforeAll(async () => {
  stack = await startComposeStack(useBench(), 'ordinary');
  // The configuration is the password and the project's name alone, and where the repository is.
  await stack.writeConfig();
  tool = operator(stack);
  await loadDataset(stack);
  before = await tool.look();
  states = await stack.states();
});

afterAll(() => stack?.stop());

it('is a project as people have them: names of its own, the password in a file, settings as arguments of the server', async () => {
  expect(await stack.states()).toEqual(['db running', 'web running']);
  const environment = (await stack.docker(['inspect', '--format', '{{json .Config.Env}}', stack.postgres])).stdout;
  expect(environment).toContain('POSTGRES_PASSWORD_FILE=');
  expect(environment).not.toContain(stack.password);
  expect(await stack.psql('show fsync')).toBe('off');
  expect(await stack.psql('show data_directory')).toBe('/var/lib/postgresql/data');
});

it.each(['doctor', 'backup full'])('%s works with nothing else configured', async (command) => {
  expect((await tool.run(...command.split(' '))).exitCode).toBe(0);
}, 500_000);

it('restores the latest set over other data, and undoes that', async () => {
  await tool.change();
  const changed = await tool.look();
  expect(changed).not.toEqual(before);
  await tool.run('restore', 'latest', '--yes');
  expect(await tool.look()).toEqual(before);
  await stack.waitHealthy();
  await tool.run('restore', '--undo', '--yes');
  expect(await tool.look()).toEqual(changed);
  await stack.waitHealthy();
}, 900_000);

it('proves the set by a restore test', async () => {
  expect((await tool.run('backup', 'verify', '--restore-test')).exitCode).toBe(0);
}, 500_000);

it('brings back a database that was dropped and uploads that were removed', async () => {
  await tool.lose();
  await tool.run('restore', 'latest', '--yes');
  expect(await tool.look()).toEqual(before);
  await stack.waitHealthy();
  expect(await stack.states()).toEqual(states);
}, 900_000);

it('comes back by dr where nothing of it is left, and compose takes over what dr made', async () => {
  const events = () => stack.psql(`select md5(string_agg(e::text, ',' order by id)) from events e`);
  const were = await events();
  await stack.compose(['down', '--volumes']);
  expect(await stack.states()).toEqual([]);
  await tool.run('dr', '--yes');
  const made = await tool.look();
  // The server has a first superuser of dr's own, whose the extensions' tables are.
  const known = made.settings.filter((line) => !line.startsWith('role|timetiles_dr|'));
  expect([await events(), known, made.uploads]).toEqual([were, before.settings, before.uploads]);
  const up = await stack.compose(['up', '--detach', '--pull', 'never']);
  expect(up.stderr).not.toMatch(/already exists|in use|warn/i);
  await stack.waitHealthy();
  expect(await stack.states()).toEqual(states);
  expect(await tool.look()).toEqual(made);
  expect((await stack.compose(['up', '--detach', '--pull', 'never'])).stderr).not.toMatch(/Recreate|Created/);
  expect((await tool.run('backup')).exitCode).toBe(0);
}, 900_000);

const run = async (name: string, image: ImageName, options: string[], ...words: string[]) =>
  stack.docker(['run', '--detach', '--rm', '--name', `${stack.project}-${name}`, '--network', 'none', ...options, await imageFor(useBench().dockerHost, image), ...words]);
const ask = (name: string, ...words: string[]) => stack.docker(['exec', `${stack.project}-${name}`, ...words], {mayFail: true});

it('has servers beside it that take arguments of initdb and any user, or whose superuser nobody names', async () => {
  try {
    await run('official', 'postgresOfficial', [
      '--user', '1234:1234', '--tmpfs', '/var/lib/postgresql/data:uid=1234,mode=0700',
      '--env', 'POSTGRES_HOST_AUTH_METHOD=trust', '--env', 'POSTGRES_INITDB_ARGS=--auth-local=scram-sha-256', '--env', 'POSTGRES_USER=the owner', '--env', 'POSTGRES_PASSWORD=official',
    ], '-c', 'max_connections=20');
    await run('foreign', 'postgresForeign', ['--env', 'POSTGRESQL_PASSWORD=foreign', '--env', 'POSTGRESQL_PORT_NUMBER=5433', '--env', 'POSTGRESQL_SOCKET_DIR=/cluster/socket']);
    const official = ['psql', '-h', 'localhost', '-U', 'the owner', '-Atc', 'show max_connections', 'postgres'];
    expect(await waitUntil(async () => (await ask('official', ...official)).stdout === '20\n', 60_000)).toBe(true);
    const foreign = ['env', 'PGPASSWORD=foreign', 'psql', '-h', '/cluster/socket', '-p', '5433', '-U', 'app', '-Atc', 'select rolname, rolsuper from pg_roles where rolcanlogin order by 1', 'app'];
    expect(await waitUntil(async () => (await ask('foreign', ...foreign)).stdout === 'app|f\npostgres|t\n', 60_000)).toBe(true);
  } finally {
    for (const name of ['official', 'foreign']) await stack.docker(['rm', '--force', '--volumes', `${stack.project}-${name}`], {mayFail: true});
  }
});
