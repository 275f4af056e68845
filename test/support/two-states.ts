import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {timetiles, type TimetilesOptions, type TimetilesResult} from './cli.ts';
import {writeSmallFiles} from './files.ts';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';
import {listTree} from './tree.ts';

/** The data of a stack as two digests: equal digests are equal data. `missing` where there is none. */
export interface State {
  db: string;
  uploads: string;
}

/** Reads the digests. The web container's heartbeat does not count. */
export async function stateOf(stack: Stack): Promise<State> {
  const [db, uploads] = await Promise.all([databaseState(stack), uploadsState(stack)]);
  return {db, uploads};
}

async function databaseState(stack: Stack): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await stack.pgDump()).sha256;
    } catch (error) {
      // What a killed restore has under way in the server may just be ending all sessions.
      if (attempt < 3 && String(error).includes('terminating connection')) continue;
      if (String(error).includes('does not exist')) return 'missing';
      throw error;
    }
  }
}

async function uploadsState(stack: Stack): Promise<string> {
  if (!existsSync(stack.uploadsPath)) return 'missing';
  return createHash('sha256').update(await listTree(stack.uploadsPath)).digest('hex');
}

/** How much to make; `slowRows` take 10 ms each to load, so that a test can meet the load while it runs. */
export interface FillOptions {
  rows?: number;
  files?: number;
  slowRows?: number;
}

/** Fills a stack with a little of everything: two tables, one of them with rows by the thousand, and some files. */
export async function fillStack(stack: Stack, {rows = 20_000, files = 150, slowRows = 0}: FillOptions = {}): Promise<void> {
  await stack.psql(
    `create table marker (value text not null);
     insert into marker values ('first');
     create table numbers (id integer primary key, body text);
     insert into numbers select n, md5(n::text) || repeat('x', 60) from generate_series(1, :rows) n;
     create table if not exists web_heartbeat (at timestamptz not null);`,
    {variables: {rows: String(rows)}},
  );
  if (slowRows > 0) {
    // A check that takes its time, for the load only: it was quick while these rows were made.
    await stack.psql(
      `create function slowly(integer) returns boolean language sql as 'select true';
       create table slow (id integer check (public.slowly(id)));
       insert into slow select generate_series(1, :rows);
       create or replace function slowly(integer) returns boolean language sql as 'select pg_catalog.pg_sleep(0.01) is not null';`,
      {variables: {rows: String(slowRows)}},
    );
  }
  writeSmallFiles(stack.uploadsPath, files);
  await writeFile(join(stack.uploadsPath, 'marker'), 'first');
}

/** Changes database and uploads in a way that every part of both can be told from what it was. */
export async function changeStack(stack: Stack, value: string): Promise<void> {
  await stack.psql(
    `update marker set value = :'value';
     update numbers set body = :'value' where id % 100 = 0;
     drop table if exists intruder;
     create table intruder as select 1 as one;`,
    {variables: {value}},
  );
  await writeFile(join(stack.uploadsPath, 'marker'), value);
  await writeFile(join(stack.uploadsPath, `intruder ${value}`), value);
  await rm(join(stack.uploadsPath, 'small', '0000', 'photo-7.jpg'), {force: true});
}

const backupReport = z.object({state: z.string(), set: z.string(), snapshots: z.array(z.object({source: z.string(), id: z.string()}))});
export type BackupReport = z.output<typeof backupReport>;

/** Backs up, demands that it worked, and tells what was made. */
export async function backUp(stack: Stack, restic: ResticAge, args: string[] = []): Promise<BackupReport> {
  const result = await timetiles(['backup', ...args, '--json'], {stack, restic});
  if (result.exitCode !== 0) throw new Error(`timetiles backup failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
  return backupReport.parse(result.json());
}

const restoreReport = z.object({
  state: z.literal('done'),
  set: z.string(),
  restored: z.array(z.string()),
  safetySet: z.string().nullable(),
  restarted: z.array(z.string()),
  seconds: z.number().positive(),
  previous: z.object({kept: z.boolean(), bytes: z.number(), until: z.string().nullable()}).nullable(),
});
export type RestoreReport = z.output<typeof restoreReport>;

/** Restores, demands that it worked, and tells what was done. */
export async function restore(stack: Stack, restic: ResticAge, args: string[], options: TimetilesOptions = {}): Promise<RestoreReport> {
  const result = await timetiles(['restore', ...args, '--yes', '--json'], {stack, restic, ...options});
  if (result.exitCode !== 0) throw new Error(`timetiles restore failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
  return restoreReport.parse(result.json());
}

const failure = z.object({error: z.object({kind: z.string(), message: z.string(), next: z.string()})});

/** The error of a run with `--json` that failed. */
export function errorOf(result: TimetilesResult): z.output<typeof failure>['error'] {
  return failure.parse(result.json()).error;
}

/** Resolves once a restore loads the slow rows. The server itself looks again and again: the load may be over before a second exec has begun. */
export async function whileLoading(stack: Stack): Promise<void> {
  await stack.psql(
    `do $wait$ begin
       for attempt in 1..4000 loop
         perform pg_stat_clear_snapshot();
         if exists (select from pg_stat_activity where application_name like 'timetiles-%' and query like 'COPY public.slow %') then return; end if;
         perform pg_sleep(0.02);
       end loop;
       raise exception 'no restore came to load the slow rows within 80 seconds';
     end $wait$`,
    {database: 'template1'},
  );
}
