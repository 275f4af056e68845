import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {startComposeStack, type ComposeStack} from '../support/compose-stack.ts';
import {imageFor} from '../support/images.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {useBench} from '../support/use-bench.ts';

const further = 'My shop, "Søk"+1';
const furtherSource = 'db-My%20shop%2C%20%22S%C3%B8k%22%2B1';

describe('an ordinary project', () => {
  let stack: ComposeStack;
  const run = (args: string[], env: Record<string, string> = {}) => timetiles([...args, '--json'], {stack, env});
  const rows = (database: string) => stack.psql('select count(*) from goods', {database});

  beforeAll(async () => {
    stack = await startComposeStack(useBench(), 'ordinary');
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await stack.psql('create table goods as select generate_series(1, 10) as n');
    await stack.psql(`create database "${further.replaceAll('"', '""')}"`);
    await stack.psql('create table goods as select generate_series(1, 20) as n', {database: further});
  });
  afterAll(() => stack?.stop());

  test('is backed up with its name alone, and tells what it does not cover: once in a backup, always in doctor and status', async () => {
    const first = await run(['backup']);
    expect(first.stderr + first.stdout).not.toContain('Error');
    expect(first.json()).toMatchObject({state: 'complete', snapshots: [{source: 'db'}, {source: 'uploads'}]});
    const note = expect.stringContaining(`the database ${further} in the container`);
    expect(first.json().notes).toContainEqual(note);
    expect((await run(['backup', 'db'])).json().notes).toEqual([]);
    const checks: {name: string; state: string; message: string}[] = (await run(['doctor'])).json().checks;
    expect(checks).toContainEqual({name: 'db', state: 'ok', message: expect.stringContaining('database blog in the container')});
    expect(checks).toContainEqual({name: 'db', state: 'warn', message: note});
    expect((await timetiles(['backup', 'status'], {stack})).stdout).toContain(`Note: the database ${further}`);
  });

  test('of several databases each is a source of its own, restored, undone and tested with the others', async () => {
    const env = {DB_NAME: `blog,"${further.replaceAll('"', '""')}"`};
    const made = (await run(['backup'], env)).json();
    expect(made).toMatchObject({state: 'complete', snapshots: [{source: 'db'}, {source: furtherSource}, {source: 'uploads'}]});
    expect((await run(['backup', 'list'])).json().sets[0].snapshots.map(({source}: {source: string}) => source)).toEqual(expect.arrayContaining(['db', furtherSource]));

    await stack.psql('truncate goods');
    await stack.psql('truncate goods', {database: further});
    const one = await run(['restore', made.set, '--only', `db-${further}`, '--yes', '--no-safety-backup'], env);
    expect(one.exitCode, one.stderr).toBe(0);
    expect([await rows('blog'), await rows(further)]).toEqual(['0', '20']);
    const all = await run(['restore', made.set, '--yes'], env);
    expect(all.exitCode, all.stderr).toBe(0);
    expect([await rows('blog'), await rows(further)]).toEqual(['10', '20']);
    const undone = await run(['restore', '--undo', '--yes', '--no-safety-backup'], env);
    expect(undone.exitCode, undone.stderr).toBe(0);
    expect([await rows('blog'), await rows(further)]).toEqual(['0', '20']);

    const tested = await run(['backup', 'verify', '--restore-test', made.set], env);
    expect(tested.exitCode, tested.stderr + tested.stdout).toBe(0);
  }, 400_000);

  test('a set of several is not restored into one, and is all of the server with a star', async () => {
    const refused = await run(['restore', 'latest', '--yes'], {DB_NAME: further.replaceAll('"', '""').replace(/^.*$/, '"$&"')});
    expect(refused.json().error).toMatchObject({kind: 'configuration', message: expect.stringContaining(`db and ${furtherSource} of this set would both be restored`)});
    const all = (await run(['backup', 'db'], {DB_NAME: '*'})).json();
    expect(all.snapshots.map(({source}: {source: string}) => source)).toEqual(['db', furtherSource]);
  });

  test('a second server is refused with the line for each, and named by its service or by its container', async () => {
    const {dockerHost} = useBench();
    const other = `${stack.project}-other-1`;
    const labels = ['--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.service=other'];
    // Without POSTGRES_DB, as people have it: the app makes a database of its own.
    await stack.docker(['run', '--detach', '--name', other, '--network', 'none', ...labels, '--env', 'POSTGRES_PASSWORD=x', await imageFor(dockerHost, 'postgresOfficial')]);
    try {
      const psql = (sql: string, database = 'postgres') => stack.docker(['exec', '--env', 'PGPASSWORD=x', other, 'psql', '-h', 'localhost', '-U', 'postgres', '-d', database, '-Atc', sql], {mayFail: true});
      expect(await waitUntil(async () => (await psql('select 1')).exitCode === 0, 60_000)).toBe(true);
      const refused = await run(['backup']);
      expect(refused.exitCode).toBe(1);
      expect(refused.json().error).toMatchObject({kind: 'ambiguous', candidates: [{line: `POSTGRES_CONTAINER="${stack.postgres}"`}, {line: `POSTGRES_CONTAINER="${other}"`}]});
      for (const line of [stack.postgres, other]) expect(refused.json().error.next).toContain(`POSTGRES_CONTAINER="${line}"`);
      const terminal = await openTerminal(['backup', 'db'], {stack});
      try {
        await terminal.waitFor('Which one?', 90);
        await terminal.press('Enter');
        await terminal.waitFor(`also at night: POSTGRES_CONTAINER="${stack.postgres}"`);
        await terminal.waitFor('Write this line into');
        await terminal.type('y');
        expect(await terminal.exitCode(90)).toBe(0);
      } finally {
        await terminal.close();
      }
      expect(await readFile(join(stack.home, 'bootstrap.conf'), 'utf8')).toMatch(new RegExp(`^POSTGRES_CONTAINER="${stack.postgres}"$`, 'm'));
      expect((await run(['backup', 'db'])).json()).toMatchObject({state: 'complete'});
      await stack.writeConfig();
      expect((await run(['backup', 'db'], {POSTGRES_CONTAINER: 'db'})).json()).toMatchObject({state: 'complete'});

      const there = {POSTGRES_CONTAINER: 'other', RESTIC_REPOSITORY: `${stack.scratch}/other`, TIMETILES_HOME: stack.home};
      await makeCheapRepository(stack, {repository: there.RESTIC_REPOSITORY});
      await psql('create database app');
      await psql('create table goods as select generate_series(1, 30) as n', 'app');
      const found = (await run(['backup', 'db'], there)).json();
      expect(found.notes).toContainEqual(expect.stringContaining('postgres, the database that the container names, has no tables: app is saved'));
      await psql('truncate goods', 'app');
      expect((await run(['restore', found.set, '--yes', '--no-safety-backup'], there)).exitCode).toBe(0);
      expect((await psql('select count(*) from goods', 'app')).stdout).toBe('30\n');
      await psql('create database app2');
      await psql('create table goods as select 1 as n', 'app2');
      // The one of the earlier backups stays the one; where there are none, somebody has to say which.
      expect((await run(['backup', 'db'], there)).json().notes).toContainEqual(expect.stringContaining('the database app2'));
      await makeCheapRepository(stack, {repository: `${stack.scratch}/third`});
      const several = await run(['backup', 'db'], {...there, RESTIC_REPOSITORY: `${stack.scratch}/third`});
      expect(several.json().error).toMatchObject({kind: 'ambiguous', candidates: [{line: 'DB_NAME="app"'}, {line: 'DB_NAME="app2"'}, {line: 'DB_NAME="app,app2"'}, {line: 'DB_NAME="*"'}]});
    } finally {
      await stack.docker(['rm', '--force', '--volumes', other]);
    }
  }, 400_000);

  test('a name that no project has is answered with the lines of those that there are', async () => {
    const refused = await run(['backup'], {COMPOSE_PROJECT_NAME: 'nobody'});
    expect(refused.json().error).toMatchObject({kind: 'container', candidates: expect.arrayContaining([{line: `COMPOSE_PROJECT_NAME="${stack.project}"`, description: expect.any(String)}])});
  });
});
