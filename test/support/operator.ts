import {readdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {expectExit, timetiles, type TimetilesResult} from './cli.ts';
import type {ComposeStack} from './compose-stack.ts';
import {databaseFingerprint} from './database.ts';
import {listTree} from './tree.ts';

/** All that an operator can lose. */
interface Data {
  dump: string;
  settings: string[];
  uploads: string;
  jobs: string;
}

/** What an operator does with a stack, with nothing configured but what its own files say. */
export function operator(stack: ComposeStack) {
  const jobs = async () => {
    const hasCron = (await stack.psql(`select count(*) from pg_extension where extname = 'pg_cron'`)) === '1';
    return hasCron ? stack.psql('select jobname, schedule, command, database, username, active from cron.job order by 1') : '';
  };
  return {
    /** Runs the tool, which has to end well. */
    run: async (...words: string[]): Promise<TimetilesResult> => {
      const result = await timetiles(words, {stack, limitSeconds: 400});
      expectExit(result, 0);
      return result;
    },
    look: async (): Promise<Data> => {
      const {dump, settings} = await databaseFingerprint(stack);
      return {dump, settings, uploads: await listTree(stack.uploadsPath), jobs: await jobs()};
    },
    /** Changes everything a bit. */
    change: async () => {
      await stack.psql(`drop table media; delete from events where id % 3 = 0; update users set name = 'changed'`);
      await rm(join(stack.uploadsPath, (await readdir(stack.uploadsPath)).toSorted()[0] ?? ''), {recursive: true});
    },
    /** Loses database and uploads, as a wrong command does: the server runs on, and the directory is there. */
    lose: async () => {
      await stack.psql(`drop database "${stack.database}" with (force)`, {database: 'postgres'});
      for (const name of await readdir(stack.uploadsPath)) await rm(join(stack.uploadsPath, name), {recursive: true});
    },
  };
}
