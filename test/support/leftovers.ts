import {existsSync} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';
import {leftoverProcesses} from './tracks.ts';

/** How long children of a killed tool may take to notice, in milliseconds. */
const patience = 10_000;

/**
 * What a restore must not leave behind once it has ended or was cleaned up after, in words: databases and directories
 * of its own, its journal, sessions in the server, processes. Waits a little for processes and sessions to end.
 */
export async function leftovers(stack: Stack): Promise<string[]> {
  let found: string[] = [];
  await waitUntil(async () => (found = await look(stack)).length === 0, patience, 250);
  return found;
}

async function look(stack: Stack): Promise<string[]> {
  const inServer = await lines(
    stack,
    `select 'database ' || datname from pg_database where datname like 'timetiles\\_%'
     union all select 'session ' || application_name || ' ' || left(query, 80) from pg_stat_activity where application_name like 'timetiles-%'`,
  );
  // Last, so that the question above is not found itself.
  const processes = (await leftoverProcesses(stack)).map((line) => `process ${line}`);
  return [...inServer, ...processes, ...(await strayFiles(stack))];
}

async function lines(stack: Stack, query: string): Promise<string[]> {
  // Not the live database: while it is being replaced nobody can connect to it.
  const rows = await stack.psql(query, {database: 'template1'});
  return rows.split('\n').filter((row) => row !== '');
}

async function strayFiles(stack: Stack): Promise<string[]> {
  const places: [string, RegExp][] = [
    [dirname(stack.uploadsPath), /^\.timetiles/],
    [stack.uploadsPath, /^\.timetiles/],
    [join(stack.home, 'state'), /journal/],
  ];
  const found: string[] = [];
  for (const [directory, pattern] of places) {
    if (!existsSync(directory)) continue;
    for (const name of await readdir(directory)) if (pattern.test(name)) found.push(`file ${join(directory, name)}`);
  }
  return found;
}
