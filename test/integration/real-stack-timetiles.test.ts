import {afterAll, beforeAll, expect, it} from 'vitest';
import {startComposeStack, type ComposeStack} from '../support/compose-stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: ComposeStack;

beforeAll(async () => {
  stack = await startComposeStack(useBench(), 'timetiles');
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
