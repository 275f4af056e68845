import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {checkout} from './paths.ts';
import type {Stack} from './stack.ts';
import {listTree} from './tree.ts';

/** A repository that release 0.1.0 made, with what its newest set holds; see the README beside it. */
export const firstRelease = {
  repository: join(checkout, 'test/fixtures/release-0.1.0/repository'),
  password: 'first release',
  /** The names in its stack. */
  dbName: 'app',
  dbUser: 'app',
};

/** What the newest set of the first release holds, as `contentOf` tells it of a stack. */
export async function firstReleaseContent(): Promise<unknown> {
  return JSON.parse(await readFile(join(checkout, 'test/fixtures/release-0.1.0/content.json'), 'utf8'));
}

const tables = ['users', 'places', 'events', 'media'];

/** The content of a stack in digests that no version of PostgreSQL or pg_dump changes. */
export async function contentOf(stack: Stack): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const table of tables) {
    content[table] = await stack.psql(`select count(*) || ' ' || md5(string_agg(t::text, chr(10) order by t::text)) from "${table}" t`);
  }
  content['settings'] = await stack.psql(`select string_agg(setting, ' ') from pg_db_role_setting, unnest(setconfig) setting where setdatabase = (select oid from pg_database where datname = current_database())`);
  content['reader'] = await stack.psql(`select concat_ws(' ', rolcanlogin, shobj_description(oid, 'pg_authid'), has_table_privilege('reader', 'events', 'select')) from pg_roles where rolname = 'reader'`);
  content['uploads'] = createHash('sha256').update(await listTree(stack.uploadsPath)).digest('hex');
  return content;
}
