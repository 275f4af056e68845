import {setTimeout as sleep} from 'node:timers/promises';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startApp} from '../support/app-load.ts';
import {timetiles} from '../support/cli.ts';
import {plainRestic} from '../support/plain-restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

// A server with PostgreSQL's own number of locks per transaction.
let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {web: 0, heartbeat: false});
  await stack.psql(`do $$ begin for i in 1..300 loop
    execute format('create table t%s (id int primary key, x text)', i);
    execute format('insert into t%s select g, repeat(''x'', 100) from generate_series(1, 20) g', i);
  end loop; end $$;
  create table c as select g as id from generate_series(1, 100) g;
  create table "Ä ""c"".d" as select * from c;
  create materialized view m as select * from t1`);
  await stack.writeConfig();
  await makeCheapRepository(stack);
});
afterAll(() => stack.stop());

const emptyAndFill = (table: string) => ['begin;', `truncate ${table};`, `insert into ${table} select generate_series(1, 100);`, 'commit;'];

test('an app that empties and fills tables all the time goes on during backups, and every count is that of the dump', async () => {
  const readers = ['c', 'm', 't1'].map((table) => [`select count(*) from ${table};`]);
  const migrations = ['alter table t70 add column y int default 1;', 'alter table t70 drop column y;'];
  const app = startApp(stack, [emptyAndFill('c'), emptyAndFill('"Ä ""c"".d"'), ['refresh materialized view m;'], migrations, ...readers]);
  try {
    for (let round = 1; round <= 4; round += 1) {
      const result = await timetiles(['backup', 'db', '--json'], {stack});
      expect(result.exitCode, result.stderr).toBe(0);
      const dump = await plainRestic(stack, ['dump', result.json().snapshots[0].id, '/database.sql']);
      const manifest = JSON.parse(await plainRestic(stack, ['dump', '--tag', 'manifest', 'latest', '/manifest.json']));
      const tables: [string, string, number][] = manifest.sources[0].details.tables;
      expect(tables).toHaveLength(302);
      expect(tables.reduce((sum, [, , rows]) => sum + rows, 0)).toBe(dump.match(/^(?:\d+|\d+\tx+(?:\t1)?)$/gm)?.length);
    }
  } finally {
    const {statements, errors} = await app.stop();
    expect(errors).toEqual([]);
    expect(statements.length).toBeGreaterThan(100);
    // No longer than pg_dump holds its locks, however busy the machine is; a deadlock lasted ten minutes.
    expect(Math.max(...statements)).toBeLessThan(10_000);
  }
  const restored = await timetiles(['restore', 'latest', '--only', 'db', '--yes', '--no-safety-backup', '--json'], {stack});
  expect(restored.exitCode, restored.stderr).toBe(0);
});

test('a table that stays locked ends the backup within its limit and holds up nobody; the message names who holds it', async () => {
  const secret = 'a secret in a statement';
  const holder = stack.psql(`set application_name = 'migration'; begin; lock table t200; select pg_sleep(60) /* ${secret} */`).catch((error: unknown) => error);
  await sleep(500);
  const app = startApp(stack, [emptyAndFill('c'), ['alter table t100 alter column x set default 1;'], ['select count(*) from t100;'], ['select count(*) from c;']]);
  const begin = Date.now();
  const result = await timetiles(['backup', 'db', '--json'], {stack, env: {BACKUP_LOCK_WAIT: '8s'}});
  const seconds = (Date.now() - begin) / 1000;
  const {statements, errors} = await app.stop();
  await stack.psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'migration'`);
  await holder;

  expect(result.exitCode).toBe(1);
  const {error} = result.json();
  expect(error).toMatchObject({
    kind: 'dump',
    message: expect.stringMatching(new RegExp(`^the dump of ${stack.postgres} could not begin within 8s: the table t200 is locked by process \\d+ \\(user timetiles, application migration, active for \\d+ s, last statement SELECT\\)$`)),
    next: expect.stringMatching(/^Nothing was stored\. End that transaction if nobody needs it \(select pg_terminate_backend\(\d+\);\), then run the backup again\.$/),
  });
  expect(result.stdout + result.stderr).not.toContain(secret);
  expect(seconds).toBeGreaterThan(7);
  expect(seconds).toBeLessThan(30);
  expect(errors).toEqual([]);
  expect(Math.max(...statements)).toBeLessThan(3000);
  const next = await timetiles(['backup', 'db'], {stack});
  expect(next.exitCode, next.stderr).toBe(0);
});

test('six thousand tables need no more locks than pg_dump', async () => {
  await stack.psql(`do $$ begin for i in 1..5700 loop
    execute format('create table many%s (id int)', i);
    if i % 500 = 0 then commit; end if;
  end loop; end $$`);
  expect(await stack.psql('show max_locks_per_transaction')).toBe('64');
  const result = await timetiles(['backup', 'db', '--json'], {stack});
  expect(result.exitCode, result.stderr).toBe(0);
  const manifest = JSON.parse(await plainRestic(stack, ['dump', '--tag', 'manifest', 'latest', '/manifest.json']));
  expect(manifest.sources[0].details.tables).toHaveLength(6002);
});
