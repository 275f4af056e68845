import {cp} from 'node:fs/promises';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {contentOf, firstRelease, firstReleaseContent} from '../support/first-release.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, fillStack, restore} from '../support/two-states.ts';
import {listTree} from '../support/tree.ts';
import {useBench} from '../support/use-bench.ts';

describe('sets from before', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(useBench(), {dbName: firstRelease.dbName, dbUser: firstRelease.dbUser, heartbeat: false});
    await stack.writeConfig({RESTIC_PASSWORD: firstRelease.password});
    await cp(firstRelease.repository, stack.repository, {recursive: true});
  });

  afterAll(() => stack?.stop());

  it.each(['newest', 'oldest'] as const)('of release 0.1.0 are restored as they were, and go on, with the %s restic', async (restic) => {
    await stack.psql('drop table if exists users, events, places, media cascade');
    expect(await restore(stack, restic, ['20261121T143857Z', '--no-safety-backup'])).toMatchObject({restored: ['db', 'uploads']});
    expect(await contentOf(stack)).toEqual(await firstReleaseContent());
    await backUp(stack, restic);
  });

  it('of PostgreSQL 15 are restored into PostgreSQL 17', async () => {
    const old = await startStack(useBench(), {postgresImage: 'postgres15', heartbeat: false});
    const young = await startStack(useBench(), {heartbeat: false});
    try {
      await makeCheapRepository(old);
      await old.writeConfig();
      await fillStack(old, {rows: 1000, files: 20});
      await old.psql(`create role reader login; grant select on numbers to reader; alter database timetiles set work_mem to '6MB'; create sequence tickets start 41; select nextval('tickets')`);
      const {set} = await backUp(old, 'newest');
      await young.writeConfig({RESTIC_REPOSITORY: old.repository});
      await restore(young, 'newest', [set, '--no-safety-backup']);

      const content = async (of: Stack) => [
        await of.psql(`select md5(string_agg(n::text, ',' order by id)) from numbers n`),
        await of.psql(`select has_table_privilege('reader', 'numbers', 'select'), current_setting('work_mem'), nextval('tickets')`),
        await listTree(of.uploadsPath),
      ];
      expect(await content(young)).toEqual(await content(old));
      expect(await young.psql('show server_version_num')).toMatch(/^17/);
      expect(await old.psql('show server_version_num')).toMatch(/^15/);
    } finally {
      await young.stop();
      await old.stop();
    }
  });
});
