import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {signalAt} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import {waitUntil} from '../support/processes.ts';
import {failures, restoreTest} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, restore, whileLoading} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const jobs = 'select jobid, schedule, command, database, username, active, jobname from cron.job order by jobid';
const launchers = `select datname from pg_stat_activity where backend_type = 'pg_cron launcher'`;

describe('a database with pg_cron, which takes no other database than the one of its setting', () => {
  let stack: Stack;
  let dump: string;
  let table: string;

  beforeAll(async () => {
    const settings = ['shared_preload_libraries=pg_cron', 'cron.database_name=timetiles', 'cron.use_background_workers=on'];
    stack = await startStack(useBench(), {postgresImage: 'postgresExtras', heartbeat: false, postgresArguments: settings.flatMap((setting) => ['-c', setting])});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await stack.psql(`
      create extension pg_cron;
      create role reporter login password 'x';
      grant usage on schema cron to reporter;
      create table marker as select 1 as value;
      create view job_names as select jobname from cron.job;
      create table tick (at timestamptz);
      select cron.schedule('nightly', '0 3 * * *', 'delete from marker');
      select cron.schedule('off', '* * * * *', 'delete from marker');
      update cron.job set active = false where jobname = 'off';
      select cron.schedule_in_database('elsewhere', '0 4 1 1 *', 'vacuum', 'postgres');
      select cron.unschedule('nightly');
      select cron.schedule('nightly', '0 3 * * *', 'delete from marker');`);
    table = await stack.psql(jobs);
    dump = (await stack.pgDump()).sha256;
    await backUp(stack, 'newest');
    await stack.psql(`drop view job_names; drop extension pg_cron; delete from marker; create extension pg_cron; select cron.schedule('later', '0 5 * * *', 'select 1')`);
  });

  afterAll(() => stack?.stop());

  it('comes back with its jobs, which run there and nowhere else', async () => {
    await restore(stack, 'newest', ['latest']);
    expect(await stack.psql(jobs)).toBe(table);
    expect((await stack.pgDump()).sha256).toBe(dump);
    expect(await waitUntil(async () => (await stack.psql(launchers, {database: 'postgres'})) === 'timetiles', 15_000, 200)).toBe(true);
    await stack.psql(`select cron.schedule('tick', '1 second', 'insert into tick values (now())')`);
    expect(await waitUntil(async () => (await stack.psql('select count(*) from tick')) !== '0', 20_000, 300)).toBe(true);
    expectExit(await timetiles(['restore', '--undo', '--yes', '--no-safety-backup'], {stack}), 0);
    expect(await stack.psql('select jobname from cron.job')).toBe('later');
    expect(await waitUntil(async () => (await stack.psql(launchers, {database: 'postgres'})) === 'timetiles', 15_000, 200)).toBe(true);
    expect(await leftovers(stack)).toEqual([]);
  });

  it.each([0, 150])('is whole after a kill %i ms into the swap', async (milliseconds) => {
    await stack.psql(`delete from cron.job; delete from marker`);
    const {running} = await signalAt(['restore', 'latest', '--only', 'db', '--yes', '--no-safety-backup'], {after: 'putting the restored data in place', milliseconds}, 'SIGKILL', {stack});
    await running.exited;
    expectExit(await timetiles(['backup', 'list'], {stack}), 0);
    expect(await stack.psql(jobs)).toBe(table);
    expect(await stack.psql('select count(*) from marker')).toBe('1');
    await stack.waitHealthy();
    expectExit(await timetiles(['restore', '--drop-previous', '--yes'], {stack}), 0);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('leaves no database under the name that its extension was made with, when it is killed there', async () => {
    await stack.psql(`create function slowly(integer) returns boolean language sql as 'select true';
      create table slow (id integer check (public.slowly(id)));
      insert into slow select generate_series(1, 3000);
      create or replace function slowly(integer) returns boolean language sql as 'select pg_catalog.pg_sleep(0.01) is not null';`);
    await backUp(stack, 'newest', ['db']);
    const running = startTimetiles(['restore', 'latest', '--only', 'db', '--yes', '--no-safety-backup'], {stack});
    await whileLoading(stack);
    running.kill('SIGKILL');
    await running.exited;
    const scratch = await stack.psql(`select datname from pg_database where datname like 'timetiles_new_%'`, {database: 'postgres'});
    await stack.psql(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '${scratch}'; comment on database ${scratch} is '${scratch}'; alter database ${scratch} rename to contrib_regression;`, {database: 'postgres'});
    expectExit(await timetiles(['backup', 'list'], {stack}), 0);
    expect(await stack.psql(`select datname from pg_database where datname not like 'template%' order by 1`, {database: 'postgres'})).toBe('postgres\ntimetiles');
    await stack.psql('drop table slow; drop function slowly');
    expect(await leftovers(stack)).toEqual([]);
  });

  it('passes a restore test, where none of its jobs runs', async () => {
    await backUp(stack, 'newest');
    const result = await restoreTest(stack, [], {limitSeconds: 240});
    expect(failures(result)).toEqual([]);
    expectExit(result, 0);
  });

  it('says where it is restored that its jobs do not run for another database', async () => {
    const result = await timetiles(['restore', 'latest', '--only', 'db', '--yes', '--json'], {stack, env: {DB_NAME: 'other'}});
    expectExit(result, 0);
    expect(result.json().remarks).toEqual([expect.stringMatching(/the jobs of pg_cron come back, but do not run: cron\.database_name of this server is timetiles, not other/)]);
    expect(await stack.psql(`select distinct database from cron.job order by 1`, {database: 'other'})).toMatch(/^other/);
  });
});
