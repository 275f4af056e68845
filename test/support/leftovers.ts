import {existsSync} from 'node:fs';
import {readdir, readFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {z} from 'zod';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';
import {leftoverProcesses} from './tracks.ts';

/** How long children of a killed tool may take to notice, in milliseconds. */
const patience = 10_000;

/** What state/previous.json says that the last restore kept: one database, and one directory with nothing in it but `old`. */
const keptRecord = z.object({
  kept: z.boolean(),
  entries: z.array(z.union([z.object({source: z.literal('db'), entry: z.object({names: z.object({previous: z.string()})})}), z.object({source: z.literal('uploads'), entry: z.object({base: z.string()})})])),
});

/**
 * What a restore must not leave behind once it has ended or was cleaned up after, in words: databases and directories
 * of its own, its journal, sessions in the server, processes. What it kept for an undo is none, but it has to be there.
 * Waits a little for processes and sessions to end.
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
  return withoutKept(await keptThings(stack), [...inServer, ...processes, ...(await strayFiles(stack))]);
}

async function keptThings(stack: Stack): Promise<string[]> {
  const path = join(stack.home, 'state', 'previous.json');
  if (!existsSync(path)) return [];
  const {kept, entries} = keptRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  if (!kept) return [];
  return entries.map(({source, entry}) => {
    if (source === 'db') return `database ${entry.names.previous}`;
    return `file ${entry.base}`;
  });
}

/** Whatever is there beside what is kept, and whatever should be kept and is not. */
async function withoutKept(kept: string[], found: string[]): Promise<string[]> {
  const strange: string[] = [];
  for (const thing of kept) {
    if (!found.includes(thing)) strange.push(`not kept: ${thing}`);
    else if (thing.startsWith('file ')) for (const name of await readdir(thing.slice(5))) if (name !== 'old') strange.push(`${thing}/${name}`);
  }
  return [...found.filter((thing) => !kept.includes(thing)), ...strange];
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
