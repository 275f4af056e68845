import {afterAll, beforeAll, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {startComposeStack, type ComposeStack} from '../support/compose-stack.ts';
import {loadDataset} from '../support/dataset.ts';
import {operator} from '../support/operator.ts';
import {useBench} from '../support/use-bench.ts';

let stack: ComposeStack;
let tool: ReturnType<typeof operator>;
let before: Awaited<ReturnType<typeof tool.look>>;
let states: string[];

beforeAll(async () => {
  stack = await startComposeStack(useBench(), 'timetiles');
  tool = operator(stack);
  await loadDataset(stack);
  await stack.psql(`select cron.schedule('tidy', '0 3 1 1 *', 'delete from events where ends_at < now() - interval ''99 years''')`);
  before = await tool.look();
  states = await stack.states();
});

afterAll(() => stack?.stop());

it('is a stack as TimeTiles deploys it: made by compose, its server refuses the socket and keeps its data outside of the volume', async () => {
  expect(await stack.states()).toEqual(['certbot', 'nginx', 'postgres', 'web', 'worker-general', 'worker-ingest', 'worker-maintenance'].map((service) => `${service} running`));
  const overSocket = await stack.docker(['exec', '--env', `PGPASSWORD=${stack.password}`, stack.postgres, 'psql', '--username', stack.user, stack.database, '-c', 'select 1'], {mayFail: true});
  expect(overSocket.stderr).toContain('Peer authentication failed');
  expect(await stack.psql('show data_directory')).toBe('/var/lib/postgresql/17/main');
  expect((await stack.psql(`select extname from pg_extension where extname <> 'plpgsql' order by 1`)).split('\n')).toEqual(['h3', 'hstore', 'pg_cron', 'pgrouting', 'postgis', 'postgis_raster', 'postgis_topology']);
  expect(await stack.psql('show cron.database_name')).toBe(stack.database);
  const again = await stack.compose(['up', '--detach']);
  expect(again.stderr).not.toMatch(/Recreate|Created/);
});

it.each(['doctor', 'backup full'])('%s works with nothing else configured, and says that the database would be lost with its container', async (command) => {
  const {exitCode, stdout, stderr} = await tool.run(...command.split(' '));
  expect(exitCode).toBe(0);
  expect(stdout + stderr).toMatch(/data directory \/var\/lib\/postgresql\/17\/main lies in no volume/);
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

it('makes no new container that would lose what is restored into it', async () => {
  await stack.docker(['rm', '--force', stack.postgres]);
  const result = await timetiles(['dr', '--yes'], {stack, limitSeconds: 60});
  expectExit(result, 1);
  expect(result.stderr).toMatch(/\/var\/lib\/postgresql\/17\/main, in none of its volumes/);
  expect(await stack.states()).not.toContainEqual(expect.stringContaining('postgres'));
});
