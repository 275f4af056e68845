import {rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {databaseFingerprint, loadTortureSchema, secondRole, type DatabaseFingerprint} from '../support/database.ts';
import {writeTortureFiles} from '../support/files.ts';
import {leftovers} from '../support/leftovers.ts';
import {awkwardNames, makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';
import {backUp, restore} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const dropEverything = `select format('drop schema %I cascade', nspname) from pg_namespace where nspname in ('app', 'extensions', 'Odd "Schema"') \\gexec
drop event trigger if exists nobody; drop table if exists junk; create table junk (a integer);`;

/** Ends all sessions in the stack's database and drops it. */
async function dropDatabase(stack: Stack): Promise<void> {
  await stack.psql(`alter database :"live" with allow_connections false; drop database :"live" with (force);`, {database: 'template1', variables: {live: stack.database}});
}

async function emptyUploads(stack: Stack): Promise<void> {
  await stack.docker(['exec', ...stack.web.slice(0, 1), 'sh', '-c', 'rm -rf /app/uploads/* /app/uploads/.[!.]*']);
}

async function addFiles(stack: Stack): Promise<void> {
  await writeFile(join(stack.uploadsPath, 'intruder'), 'not in the set');
  await writeFile(join(stack.uploadsPath, 'names', 'plain.txt'), 'changed');
  await writeFile(join(stack.uploadsPath, 'attributes', 'intruder'), 'not in the set');
  await rm(join(stack.uploadsPath, 'links'), {recursive: true});
}

interface Wreck {
  what: string;
  wreck: (stack: Stack) => Promise<unknown>;
  /** Whether there is a present state to save, of which parts. */
  saved: boolean;
}

const wrecks: Wreck[] = [
  {what: 'tables dropped and files added, changed and removed', saved: true, wreck: async (stack) => Promise.all([stack.psql(dropEverything), addFiles(stack)])},
  {what: 'the database dropped and the uploads emptied', saved: false, wreck: async (stack) => Promise.all([dropDatabase(stack), emptyUploads(stack)])},
  {
    what: 'the database and the second role dropped',
    saved: true,
    wreck: async (stack) => {
      await dropDatabase(stack);
      await stack.psql('drop role :"second"', {database: 'template1', variables: {second: secondRole}});
    },
  },
];

describe.each(['newest', 'oldest'] as const)('restic %s: everything comes back as it was', (restic) => {
  let stack: Stack;
  let set: string;
  let database: DatabaseFingerprint;
  let files: string;

  beforeAll(async () => {
    stack = await startStack(useBench(), {...awkwardNames, heartbeat: false});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await loadTortureSchema(stack);
    await writeTortureFiles(stack.uploadsPath, {byteTarget: restic === 'newest'});
    database = await databaseFingerprint(stack);
    files = await listTree(stack.uploadsPath);
    ({set} = await backUp(stack, restic));
  });

  afterAll(() => stack?.stop());

  it.each(wrecks)('after a wreck: $what', async ({wreck, saved}) => {
    await wreck(stack);
    const report = await restore(stack, restic, ['latest']);
    expect(report).toMatchObject({set, restored: ['db', 'uploads'], restarted: stack.web});
    expect(report.safetySet !== null).toBe(saved);
    expect(await databaseFingerprint(stack)).toEqual(database);
    expect(await listTree(stack.uploadsPath)).toBe(files);
    await stack.waitHealthy();
    expect(await leftovers(stack)).toEqual([]);
  });

  it('and so it does when nothing was wrecked', async () => {
    await restore(stack, restic, [set, '--no-safety-backup']);
    expect(await databaseFingerprint(stack)).toEqual(database);
    expect(await listTree(stack.uploadsPath)).toBe(files);
  });
});

describe('a gigabyte in one file and 20,000 small ones', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false});
    await stack.writeConfig();
    await stack.psql('create table few as select 1 as one');
    await writeTortureFiles(stack.uploadsPath, {gigabyte: true, small: 20_000});
  });

  afterAll(() => stack?.stop());

  it('come back as they were', async () => {
    const files = await listTree(stack.uploadsPath);
    const {set} = await backUp(stack, 'newest');
    await emptyUploads(stack);
    await restore(stack, 'newest', [set]);
    expect(await listTree(stack.uploadsPath)).toBe(files);
    expect(await leftovers(stack)).toEqual([]);
  });
});
