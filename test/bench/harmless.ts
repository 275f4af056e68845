import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {percentile, startApp, type RunningApp} from '../support/app-load.ts';
import {toolEnvironment} from '../support/cli.ts';
import {makeCheapRepository, type Stack} from '../support/stack.ts';
import {checkout} from '../support/paths.ts';
import {rows} from './contest.ts';
import {measure, type MeasuredCommand} from './measure.ts';

const program = join(checkout, 'bin/run.js');
/** Both are given so many times what the tool took in a round to warm up, so that as much of an undisturbed app is seen beside either. */
const windowFactor = 1.5;

/** What ten sessions of an app do all the time. */
const sessions = [
  ['begin;', 'truncate c;', 'insert into c select generate_series(1, 100);', 'commit;'],
  ['begin;', 'truncate d;', 'insert into d select generate_series(1, 100);', 'commit;'],
  ['refresh materialized view m;'],
  ['refresh materialized view concurrently n;'],
  ['vacuum full t50;'],
  ['create index i on t60 (x);', 'drop index i;'],
  ['alter table t70 add column y int default 1;', 'alter table t70 drop column y;'],
  ['vacuum full t80;', 'select count(*) from t80;'],
  ['select count(*) from c;', 'select count(*) from d;', 'select count(*) from m;', 'select count(*) from n;'],
  ['select count(*) from t50;', 'select count(*) from t60;', 'select count(*) from t70;'],
];

const schema = `
do $$ begin for i in 1..300 loop
  execute format('create table t%s (id int primary key, x text)', i);
  execute format('insert into t%s select g, repeat(''x'', 100) from generate_series(1, 200) g', i);
end loop; end $$;
create table c as select g as id from generate_series(1, 100) g;
create table d as select * from c;
create materialized view m as select * from t1;
create materialized view n as select * from t2;
create unique index on n (id);`;

/**
 * How long an app's statements take while backups are made, against the bare pipeline, in turns. What an app waits for then
 * is pg_dump's own locks.
 */
export async function benchHarmless(stack: Stack, rounds = 20): Promise<void> {
  await stack.psql(schema);
  await makeCheapRepository(stack);
  const env = {...toolEnvironment({stack}), RESTIC_REPOSITORY: stack.repository, RESTIC_PASSWORD: 'a bench password'};
  const script = `docker exec --env PGPASSWORD --env PGUSER --env PGDATABASE ${stack.postgres} pg_dump | restic backup --quiet --stdin --stdin-filename /database.sql`;
  const bareEnv = {...env, PGPASSWORD: stack.password, PGUSER: stack.user, PGDATABASE: stack.database};
  // Plain pg_dump fails where something goes away before it has locked it.
  const bareRun = {file: 'bash', args: ['-o', 'pipefail', '-c', script], env: bareEnv, goodEnds: [0, 1]};
  const toolRun = {file: process.execPath, args: [program, 'backup', 'db', '--quiet'], env};
  const bare: number[] = [];
  const tool: number[] = [];
  const app = startApp(stack, sessions, 0.01);
  const {seconds} = await measure(toolRun);
  for (let round = 0; round < rounds; round += 1) {
    bare.push(...(await duringRun(app, bareRun, seconds * windowFactor)));
    tool.push(...(await duringRun(app, toolRun, seconds * windowFactor)));
  }
  const {errors} = await app.stop();
  if (errors.length > 0) console.log(`the app was refused ${errors.length} times, such as: ${errors[0]}`);
  const told = (name: string, values: readonly number[]) => `${name}: ${values.length} statements, median ${percentile(values, 0.5).toFixed(0)} ms, p99 ${percentile(values, 0.99).toFixed(0)} ms, longest ${Math.max(...values).toFixed(0)} ms`;
  console.log(`${told('beside the bare pipeline', bare)}\n${told('beside the tool', tool)}`);
  const [a, b] = [percentile(bare, 0.99), percentile(tool, 0.99)];
  rows.push({what: `statements of an app of ten sessions through ${rounds} backups, 99th percentile`, bare: `${a.toFixed(0)} ms`, tool: `${b.toFixed(0)} ms`, ratio: b / a, limit: 1.1});
}

async function duringRun(app: RunningApp, command: MeasuredCommand, seconds: number): Promise<number[]> {
  const {statements} = app.times();
  const before = statements.length;
  await Promise.all([measure(command), sleep(seconds * 1000)]);
  return statements.slice(before);
}
