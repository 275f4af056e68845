import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {filesOfKind} from '../support/bit-flips.ts';
import {blobsOf} from '../support/blobs.ts';
import {expectExit, timetiles} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe.each(['newest', 'oldest'] as const)('restic %s: a set that lost a part of its data', (restic) => {
  let stack: Stack;
  let whole: string;
  let damaged: string;
  let inDamaged: State;
  let before: State;
  let count = 0;
  let packs = {db: '', uploads: ''};
  let endOfDump = {pack: '', byte: 0};

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 2000, files: 40});
    whole = (await backUp(stack, restic)).set;
    // Incompressible, so that it fills packs of its own.
    await stack.psql(`create table noise as select n, md5(random()::text) || md5(random()::text) as body from generate_series(1, 90000) n`);
    writeFileSync(join(stack.uploadsPath, 'no ise [1]*'), noise(6));
    const report = await backUp(stack, restic);
    damaged = report.set;
    inDamaged = await stateOf(stack);
    // restic 0.18 and newer spread what they store over two packs at random.
    const piecesOf = (source: string, name: string) => blobsOf(stack, report.snapshots.find((snapshot) => snapshot.source === source)?.id ?? '', name, {restic});
    const [inUploads] = await piecesOf('uploads', 'no ise [1]*');
    const dump = await piecesOf('db', 'database.sql');
    const last = dump.at(-1);
    packs = {uploads: inUploads?.pack ?? '', db: dump[0]?.pack ?? ''};
    endOfDump = {pack: last?.pack ?? '', byte: (last?.offset ?? 0) + Math.floor((last?.length ?? 0) / 2)};
  });

  beforeEach(async () => {
    await changeStack(stack, `before damage ${(count += 1)}`);
    before = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const noise = (megabytes: number) => new Uint8Array(megabytes * 1024 * 1024).map(() => Math.random() * 256);
  const run = (...args: string[]) => timetiles(args, {stack, restic});
  const restoring = (...args: string[]) => run('restore', damaged, '--yes', '--json', '--no-safety-backup', ...args);

  /** Turns bits over in many places of a pack, or one byte alone, for the time of `work`, or takes the pack away. */
  async function without(path: string, how: 'flipped' | 'missing' | {byte: number}, work: () => Promise<void>): Promise<void> {
    const content = readFileSync(path);
    const isHit = (index: number) => (typeof how === 'object' ? index === how.byte : index % 20_000 === 1000 && index < content.length - 2000);
    if (how === 'missing') renameSync(path, `${path}.away`);
    else writeFileSync(path, content.map((byte, index) => (isHit(index) ? byte ^ 1 : byte)));
    try {
      await work();
    } finally {
      if (how === 'missing') renameSync(`${path}.away`, path);
      else writeFileSync(path, content);
    }
  }

  async function expectUntouched(): Promise<void> {
    expect(await stateOf(stack)).toEqual(before);
    expect(await leftovers(stack)).toEqual([]);
  }

  // Without --best-effort the oldest restic looks for a missing pack for three quarters of a minute. What one can show, the other need not.
  const [failing, first, second] = restic === 'newest' ? (['missing', 'missing', 'flipped'] as const) : (['flipped', 'flipped', 'missing'] as const);

  const onlyNewest = [restic].filter((age) => age === 'newest');

  it.each([failing])('says which files of the uploads are affected, and offers the set that is whole: %s', async (how) => {
    await without(packs.uploads, how, async () => {
      const result = await restoring();
      expectExit(result, 1);
      expect(errorOf(result)).toEqual({
        kind: 'repository-damaged',
        message: expect.stringMatching(/1 pack (missing|damaged); uploads is affected, 1 file: \/no ise \[1\]\*$/),
        next: expect.stringContaining(`The newest whole set here: timetiles restore ${whole} (none of its content is in a damaged pack; all packs were read)`),
      });
      await expectUntouched();
    });
  });

  it.each(onlyNewest)('says that the dump is affected (%s)', async () => {
    await without(packs.db, 'flipped', async () => {
      const result = await restoring('--only', 'db');
      expectExit(result, 1);
      expect(errorOf(result)).toMatchObject({message: expect.stringMatching(/db is affected, at most 1 file: \/database.sql/), next: expect.stringContaining(`timetiles restore ${whole} --only db`)});
      await expectUntouched();
    });
  });

  it('a dry run knows of a missing pack', async () => {
    await without(packs.uploads, 'missing', async () => {
      const result = await run('restore', damaged, '--dry-run', '--json');
      expectExit(result, 0);
      expect(result.json().warnings).toEqual(['packs are missing from the repository: uploads cannot be restored whole (1 file: /no ise [1]*)']);
    });
  });

  it.each([first])('--best-effort restores all but the damaged file, and can be undone: %s', async (how) => {
    await without(packs.uploads, how, async () => {
      const result = await restoring('--best-effort');
      expectExit(result, 3);
      expect(result.json()).toMatchObject({state: 'done', restored: ['db', 'uploads'], missing: [{source: 'uploads', paths: ['/no ise [1]*'], reason: null}], previous: {kept: true, until: expect.any(String)}});
      expect((await stateOf(stack)).db).toBe(inDamaged.db);
      expect(existsSync(join(stack.uploadsPath, 'no ise [1]*'))).toBe(false);
      expect(readFileSync(join(stack.uploadsPath, 'marker'), 'utf8')).toBe('first');
      expect(await leftovers(stack)).toEqual([]);
      expectExit(await run('restore', '--undo', '--yes', '--no-safety-backup'), 0);
      expect(await stateOf(stack)).toEqual(before);
    });
  });

  it.each([second])('--best-effort leaves a database whose dump is damaged as it is: %s', async (how) => {
    await without(packs.db, how, async () => {
      const result = await restoring('--best-effort');
      expectExit(result, 3);
      expect(result.json()).toMatchObject({restored: ['uploads'], missing: [{source: 'db', paths: [], reason: expect.stringMatching(/database.sql|the dump/)}]});
      expect(await stateOf(stack)).toEqual({db: before.db, uploads: inDamaged.uploads});
      expect(await leftovers(stack)).toEqual([]);
    });
  });

  it.each([first])('--best-effort puts no empty directory in place of the live files: %s', async (how) => {
    const aside = join(dirname(stack.uploadsPath), 'aside');
    mkdirSync(aside);
    const move = (from: string, to: string) => readdirSync(from).map((name) => renameSync(join(from, name), join(to, name)));
    move(stack.uploadsPath, aside);
    writeFileSync(join(stack.uploadsPath, 'alone'), noise(2));
    const known = filesOfKind(stack.repository, 'data');
    const {set} = await backUp(stack, restic, ['uploads']);
    const [pack = ''] = filesOfKind(stack.repository, 'data').filter((path) => !known.includes(path)).toSorted((a, b) => statSync(b).size - statSync(a).size);
    rmSync(join(stack.uploadsPath, 'alone'));
    move(aside, stack.uploadsPath);
    rmdirSync(aside);
    before = await stateOf(stack);
    await without(pack, how, async () => {
      const result = await run('restore', set, '--only', 'uploads', '--best-effort', '--yes', '--json', '--no-safety-backup');
      expectExit(result, 1);
      expect(errorOf(result)).toMatchObject({kind: 'repository-damaged', message: expect.stringMatching(/no file of snapshot \w{8} is intact/)});
      await expectUntouched();
    });
  });

  it('--best-effort --target writes what can be read of the dump', async () => {
    const directory = join(stack.scratch, 'look');
    let stdout = '';
    await without(endOfDump.pack, endOfDump, async () => {
      const result = await run('restore', damaged, '--best-effort', '--target', directory);
      expectExit(result, 3);
      ({stdout} = result);
    });
    expect(stdout).toMatch(/NOT restored, damaged in the repository: 1 file or folder of db:\n {2}\/database.sql from byte \d+ on; database.sql.partial is/);
    expect(existsSync(join(directory, 'database.sql'))).toBe(false);
    expect(readFileSync(join(directory, 'database.sql.partial'), 'utf8')).toContain('PostgreSQL database dump');
    expect(statSync(join(directory, 'uploads', 'no ise [1]*')).size).toBe(6 * 1024 * 1024);
  });

  it.each(onlyNewest)('--best-effort of a whole set is a restore like any other (%s)', async () => {
    const result = await restoring('--best-effort');
    expectExit(result, 0);
    expect(result.json()).toMatchObject({restored: ['db', 'uploads'], missing: [], previous: {kept: true, until: null}});
    expect(await stateOf(stack)).toEqual(inDamaged);
  });
});
