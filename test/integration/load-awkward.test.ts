import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {checkout} from '../support/paths.ts';
import {failures, restoreTest} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('a database that psql alone cannot load', () => {
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
    const told = [expect.stringMatching(/db: .*tablespace.*elsewhere_on_disk/), expect.stringMatching(/db: .*foreign tables.*elsewhere/)];
    expect(first.json().notes).toEqual(expect.arrayContaining(told));
    const second = await timetiles(['backup', '--json'], {stack});
    expectExit(second, 0);
    expect(second.json().notes).toEqual([]);
    const doctor = await timetiles(['doctor'], {stack});
    expectExit(doctor, 0);
    expect(doctor.stdout).toMatch(/WARN {2}db .*elsewhere_on_disk/);
  });

  it('comes back as it was, and the result says how', async () => {
    await stack.psql('drop table article cascade; delete from event;');
    const result = await timetiles(['restore', 'latest', '--yes', '--json'], {stack});
    expectExit(result, 0);
    expect(result.json().remarks).toEqual([
      expect.stringMatching(/^db: the database was loaded with its own search path \("\$user", public, "Other Schema", .*since it did not load without: .*geometry/),
      expect.stringMatching(/^db: the materialised view public\.from_afar is empty, since it could not be filled: .*could not connect/),
      expect.stringMatching(/^db: the rows do not fulfil the check constraint small on TABLE public\.a_grown, which came back NOT VALID/),
    ]);
    // The two things that the result names are the only differences.
    await stack.psql(`update pg_constraint set convalidated = true where conname = 'small'; update pg_class set relispopulated = true where relname = 'from_afar'`);
    expect((await stack.pgDump({to: join(stack.scratch, 'after.sql')})).sha256).toBe(dump);
    expect(await stack.psql('select count(*) from event; select count(*) from stale; select count(distinct slug) from article; select tablespace from pg_tables where tablename = \'on_other_disk\'')).toBe('31\n31\n50\nelsewhere_on_disk');
    expect(await leftovers(stack)).toEqual([]);
  });

  it('passes a restore test on a server without its tablespace', async () => {
    await backUp(stack, 'newest');
    // Two loads of it take their time.
    const result = await restoreTest(stack, [], {limitSeconds: 240});
    expect(failures(result)).toEqual([]);
    expectExit(result, 0);
    expect(result.json().warnings).toEqual(expect.arrayContaining([expect.stringMatching(/own search path/)]));
  });
});
