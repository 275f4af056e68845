import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {imageFor} from '../support/images.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const bench = useBench();
let stack: Stack;

beforeAll(async () => {
  stack = await startStack(bench, {web: 0, heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  await stack.psql(`create table list (numbers int[]); insert into list values ('{1,null}'); create unlogged table cache as select 1 as n`);
});
afterAll(() => stack.stop());

const inside = (script: string) => stack.docker(['exec', stack.postgres, 'sh', '-c', script]);

/** Replaces the rules of who may come in how. */
async function allow(...rules: string[]): Promise<void> {
  await inside(`printf '%s\\n' ${rules.map((rule) => `'${rule}'`).join(' ')} >/tmp/rules; cat /tmp/rules >/var/lib/postgresql/data/pg_hba.conf; kill -HUP 1; sleep 0.5`);
}

const ordinary = ['local all all scram-sha-256', 'local replication all scram-sha-256', 'host all all all scram-sha-256'];

async function backup(env: Record<string, string> = {}) {
  const result = await timetiles(['backup', 'db', '--json'], {stack, env});
  const document: {state?: string; warnings?: string[]; error?: {kind: string; message: string; next: string}} = result.json();
  return {...document, exitCode: result.exitCode, stderr: result.stderr};
}

describe('a backup reaches the server', () => {
  test('by TCP where the socket lets nobody in but its own user', async () => {
    await allow('local all all peer', 'host all all 127.0.0.1/32 scram-sha-256');
    expect(await backup()).toMatchObject({state: 'complete'});
    await allow(...ordinary);
  });

  test('as the user that the server runs as where no password is right, and says so', async () => {
    await stack.psql('create role postgres superuser login');
    await allow('local all postgres peer', 'local all all scram-sha-256');
    const result = await backup({DB_PASSWORD: 'wrong secret'});
    expect(result).toMatchObject({state: 'complete'});
    expect(result.stderr).toContain(`refuses the login of ${stack.user}, so timetiles comes as the superuser postgres`);
    // A role that is configured and does not exist is a mistake to correct.
    const mistaken = await backup({DB_USER: 'nobody', DB_PASSWORD: 'wrong secret'});
    expect(mistaken.error).toMatchObject({kind: 'database', message: expect.stringContaining('refuses the login of nobody: there is no such role'), next: expect.stringContaining('DB_USER')});
    expect(JSON.stringify([result, mistaken])).not.toContain('wrong secret');
    await allow(...ordinary);
    await stack.psql('drop role postgres');
  });

  test("with the programs of the server's own version, wherever they lie", async () => {
    await inside(`rm /usr/local/bin/pg_dump /usr/local/bin/psql; printf '#!/bin/sh\\necho "pg_dump (PostgreSQL) 15.3"; exit 1\\n' >/usr/local/bin/pg_dump; chmod +x /usr/local/bin/pg_dump; mv /usr/bin/psql /usr/bin/psql.away`);
    try {
      expect(await backup()).toMatchObject({state: 'complete'});
    } finally {
      await inside('mv /usr/bin/psql.away /usr/bin/psql; ln -sf /usr/lib/postgresql/*/bin/* /usr/local/bin/');
    }
  });

  test('that is just starting again', async () => {
    const running = backup();
    await stack.docker(['restart', stack.postgres]);
    // What was begun before the stop may have been cut off by it.
    expect([0, 1]).toContain((await running).exitCode);
    await stack.docker(['restart', '--time', '0', stack.postgres]);
    expect(await backup()).toMatchObject({state: 'complete'});
  });
});

test('what database and role set neither ends nor changes a backup and its restore', async () => {
  await stack.psql(`create role limited; create schema odd;
    create function public.refuse() returns event_trigger language plpgsql as 'begin raise exception ''no''; end';
    create event trigger refuse on login execute function public.refuse(); alter event trigger refuse enable always;
    alter role ${stack.user} set role = limited; alter role ${stack.user} set lock_timeout = 1; alter role ${stack.user} set statement_timeout = 5;
    alter role ${stack.user} set idle_session_timeout = 20; alter role ${stack.user} set session_replication_role = replica; alter role ${stack.user} set datestyle = 'German';
    alter role ${stack.user} set default_transaction_isolation = 'serializable'; alter role ${stack.user} set quote_all_identifiers = on; alter role ${stack.user} set temp_file_limit = '1kB';
    alter database ${stack.database} set transaction_timeout = 5; alter database ${stack.database} set idle_in_transaction_session_timeout = 5; alter database ${stack.database} set array_nulls = off;
    alter database ${stack.database} set search_path = odd, pg_catalog; alter database ${stack.database} set default_transaction_read_only = on;`);
  expect(await backup()).toMatchObject({state: 'complete'});
  const restored = await timetiles(['restore', 'latest', '--only', 'db', '--no-safety-backup', '--yes', '--json'], {stack});
  expect(restored.exitCode, restored.stderr).toBe(0);
  // By a way that its own settings do not bar.
  const plain = '-c event_triggers=off -c role=none -c transaction_timeout=0 -c statement_timeout=0 -c idle_session_timeout=0 -c lock_timeout=0';
  const psql = (sql: string) => stack.docker(['exec', '--env', `PGOPTIONS=${plain} -c default_transaction_read_only=off`, '--env', `PGPASSWORD=${stack.password}`, stack.postgres, 'psql', '-XAtq', '-U', stack.user, '-d', stack.database, '-c', sql]);
  expect((await psql('select numbers from public.list')).stdout.trim()).toBe('{1,NULL}');
  await psql(`drop event trigger refuse; alter role ${stack.user} reset all; alter database ${stack.database} reset all`);
});

test('a hot standby is backed up, but for its unlogged rows, and never restored into', async () => {
  const name = `${stack.project}-standby`;
  const image = await imageFor(bench.dockerHost, 'postgres');
  const options = ['--network', 'none', '--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.oneoff=True', '--mount', `type=volume,source=${stack.project}_socket,target=/var/run/postgresql`, '--env', `PGPASSWORD=${stack.password}`, '--env', `POSTGRES_USER=${stack.user}`, '--env', `POSTGRES_PASSWORD=${stack.password}`, '--env', `POSTGRES_DB=${stack.database}`];
  // Primary and standby listen beside each other, in the same directory.
  const copy = `install -d -o postgres -m 0700 /copy; setpriv --reuid=postgres --regid=postgres --init-groups pg_basebackup -w -U ${stack.user} -D /copy -R -X stream -c fast && exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D /copy -c port=5433 -c unix_socket_directories=/var/run/postgresql`;
  await stack.docker(['run', '--detach', '--name', name, ...options, '--entrypoint', 'sh', image, '-c', copy]);
  const env = {POSTGRES_CONTAINER: name, DB_PORT: '5433'};
  expect(await backup(env)).toMatchObject({state: 'complete'});
  const refused = await timetiles(['restore', 'latest', '--only', 'db', '--yes', '--json'], {stack, env});
  expect(refused.json().error).toMatchObject({kind: 'restore', message: expect.stringContaining('is a hot standby')});
});

test('an image of its own conventions is reached at another port and socket, as a role that is no superuser', async () => {
  const name = `${stack.project}-foreign`;
  const image = await imageFor(bench.dockerHost, 'postgresForeign');
  const variables = {POSTGRESQL_PASSWORD: 'foreign secret', POSTGRESQL_PORT_NUMBER: '5433', POSTGRESQL_SOCKET_DIR: '/cluster/socket'};
  await stack.docker(['run', '--detach', '--name', name, '--network', 'none', '--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.oneoff=True', ...Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]), image]);
  const env = {POSTGRES_CONTAINER: name, DB_USER: 'app', DB_NAME: 'app'};
  expect(await backup(env)).toMatchObject({state: 'complete'});
  const wrongPort = await backup({...env, DB_PORT: '5499'});
  expect(wrongPort.error).toMatchObject({kind: 'configuration', message: expect.stringContaining('port 5499 (DB_PORT)'), next: expect.stringContaining('Correct DB_PORT')});
});
