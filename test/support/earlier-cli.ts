import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {z} from 'zod';
import {plainResticEnvironment} from './plain-restic.ts';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';

/** When, by which restic, and from which host the earlier command line stored a snapshot. */
export interface EarlierOptions {
  restic: ResticAge;
  minutesAgo: number;
  /** This one unless told. */
  host?: string;
}

/** Stores the database as TimeTiles' earlier command line did: a dump made to be loaded over what is there, in a temporary directory. @returns the snapshot's id */
export async function storeEarlierDump(stack: Stack, options: EarlierOptions): Promise<string> {
  const directory = await mkdtemp(join(stack.scratch, 'tmp.'));
  try {
    const path = join(directory, 'database.sql');
    const command = ['exec', '--env', `PGPASSWORD=${stack.password}`, stack.postgres, 'pg_dump', '-U', stack.user, '--clean', '--if-exists', '--file=/tmp/database.sql', stack.database];
    await stack.docker(command);
    await stack.docker(['cp', `${stack.postgres}:/tmp/database.sql`, path]);
    return await storeEarlier(stack, 'db', path, options);
  } finally {
    await rm(directory, {recursive: true});
  }
}

/** The same, by way of restic's standard input, as its later versions did. */
export async function storeEarlierStream(stack: Stack, text: string, options: EarlierOptions): Promise<string> {
  return storeEarlier(stack, 'db', undefined, options, text);
}

/** Stores the uploads as it did: by their absolute path. */
export function storeEarlierUploads(stack: Stack, options: EarlierOptions): Promise<string> {
  return storeEarlier(stack, 'uploads', stack.uploadsPath, options);
}

/** Stores any path under one tag. */
export async function storeEarlier(stack: Stack, tag: string, path: string | undefined, {restic, minutesAgo, host}: EarlierOptions, text = ''): Promise<string> {
  const time = new Date(Date.now() - minutesAgo * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  const what = path === undefined ? ['--stdin', '--stdin-filename', 'database.sql'] : [path];
  const args = ['backup', '--json', '--tag', tag, '--time', time, ...(host === undefined ? [] : ['--host', host]), ...what];
  const {stdout} = await execa(stack.bench.restic[restic], args, {env: {...plainResticEnvironment(stack, {restic}), TZ: 'UTC'}, extendEnv: false, input: text});
  const last = z.object({snapshot_id: z.string()}).parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  return last.snapshot_id;
}
