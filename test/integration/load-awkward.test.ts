import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {checkout} from '../support/paths.ts';
import {failures, restoreTest, storeTampered} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

// A load that is tried twice takes its time on a busy machine.
describe('a database that psql alone cannot load', {timeout: 300_000}, () => {
  let stack: Stack;
  let dump: string;

  beforeAll(async () => {
    stack = await startStack(useBench(), {postgresImage: 'postgresExtras', heartbeat: false});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await stack.psql(await readFile(join(checkout, 'test/support/awkward.sql'), 'utf8'));
    dump = (await stack.pgDump({to: join(stack.scratch, 'before.sql')})).sha256;
  });

  afterAll(() => stack?.stop());

  it('is told of when it is backed up, once, and always by doctor', async () => {
    const first = await timetiles(['backup', '--json'], {stack});
    expectExit(first, 0);
    const told = [expect.stringMatching(/db: .*subscriptions come back disabled: inwards/), expect.stringMatching(/db: .*slots.*app_slot/), expect.stringMatching(/db: .*tablespace.*elsewhere_on_disk/), expect.stringMatching(/db: .*foreign tables.*elsewhere/)];
    expect(first.json().notes).toEqual(expect.arrayContaining(told));
    const second = await timetiles(['backup', '--json'], {stack});
    expectExit(second, 0);
    expect(second.json().notes).toEqual([]);
    const doctor = await timetiles(['doctor'], {stack});
    expectExit(doctor, 0);
    expect(doctor.stdout).toMatch(/WARN {2}db .*elsewhere_on_disk/);
  });

  it('comes back as it was, and the result says how', async () => {
    await stack.psql('drop table article cascade; truncate event;');
    const result = await timetiles(['restore', 'latest', '--yes', '--json'], {stack, limitSeconds: 280});
    expectExit(result, 0);
    expect(result.json().remarks).toEqual([
      expect.stringMatching(/^db: the 1 subscription inwards comes back disabled/),
      expect.stringMatching(/^db: logical replication slots stay with the data that is replaced: app_slot/),
      expect.stringMatching(/^db: the database was loaded with its own search path \("\$user", public, "Other Schema", .*since it did not load without: .*geometry/),
      expect.stringMatching(/^db: the materialised view public\.from_afar is empty, since it could not be filled: .*could not connect/),
      expect.stringMatching(/^db: the rows do not fulfil the check constraint small on TABLE public\.a_grown, which came back NOT VALID/),
    ]);
    // The two things that the result names are the only differences.
    await stack.psql(`update pg_constraint set convalidated = true where conname = 'small'; update pg_class set relispopulated = true where relname = 'from_afar'`);
    expect((await stack.pgDump({to: join(stack.scratch, 'after.sql')})).sha256).toBe(dump);
    expect(await stack.psql('select count(*) from event; select count(*) from stale; select count(distinct slug) from article; select tablespace from pg_tables where tablename = \'on_other_disk\'')).toBe('31\n31\n50\nelsewhere_on_disk');
    expect(await stack.psql('select subname, subenabled from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())')).toBe('inwards|f');
    // Neither the slot nor the subscription keeps the kept copy from going with the next backup.
    const {set} = await backUp(stack, 'newest');
    expect(await leftovers(stack)).toEqual([]);
    expect(await stack.psql('select count(*) from pg_replication_slots')).toBe('0');
    // What was enabled is so again after an undo.
    await stack.psql('alter subscription inwards enable');
    expectExit(await timetiles(['restore', set, '--only', 'db', '--yes', '--no-safety-backup'], {stack}), 0);
    expectExit(await timetiles(['restore', '--undo', '--yes', '--no-safety-backup'], {stack}), 0);
    expect(await stack.psql('select subname, subenabled from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())')).toBe('inwards|t');
    expect(await leftovers(stack)).toEqual([]);
  });

  it('is refused before anything where its locale is not known', async () => {
    const made = await backUp(stack, 'newest', ['db']);
    const id = await storeTampered(stack, made, '20250101T000000Z-aaaa', {record: (record) => (record.details.database.collate = 'xx_YY.utf8')});
    const result = await timetiles(['restore', id, '--yes', '--json'], {stack});
    expectExit(result, 1);
    expect(errorOf(result)).toMatchObject({kind: 'restore', message: expect.stringMatching(/has the locale xx_YY\.utf8, C\.UTF-8, which .* does not have/), next: expect.stringContaining('the image that the set was made with')});
    expect(result.stderr).not.toMatch(/saving the present state/);
  });

  it('passes a restore test on a server without its tablespace', async () => {
    await backUp(stack, 'newest');
    // Two loads of it take their time.
    const result = await restoreTest(stack, [], {limitSeconds: 240});
    expect(failures(result)).toEqual([]);
    expectExit(result, 0);
    expect(result.json().warnings).toEqual(expect.arrayContaining([expect.stringMatching(/own search path/)]));
  });

  it('an owner that is no superuser is told at the backup, and refused before a restore', async () => {
    await stack.psql(`create role plain login password 'plain secret'; create database plain owner plain`, {database: 'postgres'});
    const env = {DB_USER: 'plain', DB_PASSWORD: 'plain secret', DB_NAME: 'plain'};
    const made = await timetiles(['backup', 'db', '--json'], {stack, env});
    expectExit(made, 0);
    expect(made.json().notes).toEqual(expect.arrayContaining([
      expect.stringMatching(/^db: the passwords of roles are not saved, since plain may not read them: .*plain/),
      expect.stringMatching(/^db: plain may not create databases/),
    ]));
    const refused = await timetiles(['restore', made.json().set, '--yes', '--json'], {stack, env});
    expectExit(refused, 1);
    expect(errorOf(refused)).toMatchObject({kind: 'restore', message: expect.stringMatching(/the user plain .* may not create databases/)});
    expect(refused.stderr).not.toMatch(/saving the present state/);
  });
});
