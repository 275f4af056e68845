import {existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {readOnlyView, withSmallDisk} from '../support/disk.ts';
import {leftovers} from '../support/leftovers.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('what a restore has left', () => {
  let stack: Stack;
  let set: string;
  let live: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench(), {postgresArguments: ['-c', 'max_prepared_transactions=5']});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 500, files: 10});
    ({set} = await backUp(stack, 'newest'));
  });

  beforeEach(async () => {
    await changeStack(stack, `before leftovers ${(count += 1)}`);
    live = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const state = () => join(stack.home, 'state');
  const run = (...args: string[]) => timetiles(args, {stack});
  const record = () => JSON.parse(readFileSync(join(state(), 'previous.json'), 'utf8'));
  const keptName = (): string => record().entries[0].entry.names.previous;
  const inServer = (sql: string) => stack.psql(sql, {database: 'template1'});
  const databases = async () => (await inServer(`select datname from pg_database where datname like 'timetiles\\_%' order by 1`)).split('\n').filter((name) => name !== '');

  /** A DROP DATABASE that ends in its middle: its checkpoint comes after the database was marked, and takes longer than this. */
  async function interruptDrop(name: string): Promise<void> {
    await stack.psql('create table if not exists dirty as select repeat(md5(n::text), 50) as body from generate_series(1, 5000) n', {database: name});
    let limit = '-1';
    for (let milliseconds = 1; limit === '-1' && milliseconds < 1000; milliseconds = Math.ceil(milliseconds * 1.5)) {
      await inServer(`set statement_timeout = ${milliseconds}; drop database "${name}" with (force);`).catch((error: unknown) => expect(String(error)).toContain('statement timeout'));
      limit = await inServer(`select datconnlimit from pg_database where datname = '${name}'`);
    }
    expect(limit).toBe('-2');
  }

  it('a kept database whose drop was interrupted stops nothing, never becomes the live one, and goes with the next backup', async () => {
    const {safetySet} = await restore(stack, 'newest', [set]);
    const after = await stateOf(stack);
    await interruptDrop(keptName());
    expectExit(await run('backup', 'list'), 0);
    const undone = await run('restore', '--undo', '--yes', '--json');
    expectExit(undone, 1);
    expect(errorOf(undone)).toMatchObject({kind: 'restore', message: expect.stringMatching(/cannot take the place of the live data, which was not touched: .*a DROP DATABASE of it was interrupted/), next: expect.stringContaining(`timetiles restore ${safetySet}`)});
    expect(await stateOf(stack)).toEqual(after);
    await stack.waitHealthy();
    const backup = await run('backup', '--accept-smaller');
    expectExit(backup, 0);
    expect(backup.stderr).toMatch(/removed the state before the restore/);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('a new database whose drop was interrupted is removed by the next command', async () => {
    await inServer('create database timetiles_new_0123');
    await interruptDrop('timetiles_new_0123');
    const names = {live: stack.database, scratch: 'timetiles_new_0123', previous: 'timetiles_old_0123', hadLive: true};
    writeFileSync(join(state(), 'restore-journal.json'), JSON.stringify({id: '0123', set, begun: 'now', phase: 'staging', entries: [{source: 'db', entry: {names, run: '0123', newRoles: []}}], stopped: []}));
    const list = await run('backup', 'list');
    expectExit(list, 0);
    expect(list.stderr).toContain('undid an interrupted restore');
    expect(await leftovers(stack)).toEqual([]);
    expect(await stateOf(stack)).toEqual(live);
  });

  it.each([
    ['a table', () => stack.psql('drop table numbers', {database: keptName()}), /has only \d+ of the \d+ tables that were kept/],
    ['files', async () => rmSync(join(record().entries[1].entry.base, 'old', 'small'), {recursive: true}), /has only \d+ of the \d+ files that were kept/],
  ])('undo sees that the kept copy has lost %s, and leaves the live data', async (_, lose, problem) => {
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    const after = await stateOf(stack);
    await lose();
    for (const more of [['--dry-run'], ['--yes']]) {
      const result = await run('restore', '--undo', '--json', ...more);
      expectExit(result, 1);
      expect(errorOf(result).message).toMatch(problem);
    }
    expect(await stateOf(stack)).toEqual(after);
    expectExit(await run('restore', '--drop-previous'), 0);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('a kept database that cannot be dropped is told, fails no backup and no further restore, and is dropped once it can be', async () => {
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    const first = keptName();
    const prepare = (name: string) => `begin; insert into marker values ('prepared'); prepare transaction '${name}'`;
    await stack.psql(prepare('holds it'), {database: first});
    await stack.psql(prepare('holds the live one'));
    const backup = await run('backup', '--accept-smaller');
    expectExit(backup, 0);
    expect(backup.stderr).toMatch(/the state before the last restore could not be removed: .* The next command tries again/);
    // One that waits in the live database stops restore and undo before they begin.
    expect(await waitUntil(async () => (await inServer(`select count(*) from pg_prepared_xacts where prepared < now() - interval '10 seconds'`)) === '2', 20_000, 500)).toBe(true);
    for (const args of [[set, '--no-safety-backup'], ['--undo']]) {
      const refused = await run('restore', ...args, '--yes', '--json');
      expectExit(refused, 1);
      expect(errorOf(refused).message).toContain('1 prepared transaction in the database');
      expect(refused.stderr).not.toContain('stopping');
    }
    await stack.psql(`rollback prepared 'holds the live one'`);
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    expect(await databases()).toEqual([first, keptName()].toSorted());
    await stack.psql(`rollback prepared 'holds it'`, {database: first});
    expectExit(await run('backup', '--accept-smaller'), 0);
    expect(await leftovers(stack)).toEqual([]);
  }, 240_000);

  it('is named when the state of this host was lost: kept copies stay, dead beginnings of this installation go with the next restore', async () => {
    await restore(stack, 'newest', [set, '--no-safety-backup']);
    const kept = keptName();
    const {base} = record().entries[1].entry;
    const mark = kept.slice('timetiles_old_'.length).slice(0, 8);
    rmSync(state(), {recursive: true});
    const dead = `timetiles_new_${mark}00000001`;
    const directory = join(dirname(stack.uploadsPath), `.timetiles-${mark}00000001`);
    await inServer(`create database ${dead}`);
    await inServer('create database timetiles_new_0123456700000001');
    mkdirSync(join(directory, 'new'), {recursive: true});
    for (const args of [['backup', 'list'], ['backup', 'status'], ['backup', '--accept-smaller']]) expect([0, args[1] === 'status' ? 1 : 0]).toContain((await run(...args)).exitCode);
    const doctor = await run('doctor');
    for (const text of [kept, base, dead, directory, 'timetiles_new_0123456700000001']) expect(doctor.stdout).toContain(text);
    expect(doctor.stdout).toMatch(new RegExp(`was live before a restore[\\s\\S]*docker exec -it ${stack.postgres} psql .* 'DROP DATABASE "?${kept}`));
    expect(doctor.stdout).toContain(`rm -r ${base}`);
    await restore(stack, 'newest', [set, '--no-safety-backup', '--keep-previous', '0']);
    expect(await databases()).toEqual(['timetiles_new_0123456700000001', kept]);
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(base)).toBe(true);
    await inServer('drop database timetiles_new_0123456700000001');
    await inServer(`drop database ${kept}`);
    rmSync(base, {recursive: true});
  });

  it('state that is damaged is named and forgotten; only a restore stops at a journal, and undo at a record, that cannot be read', async () => {
    await restore(stack, 'newest', [set, '--no-safety-backup', '--keep-previous', '0']);
    for (const name of readdirSync(state()).filter((file) => file.endsWith('.json'))) writeFileSync(join(state(), name), '{"trunc');
    writeFileSync(join(state(), 'hosts.json'), 'of somebody else');
    for (const args of [['backup', 'list'], ['backup', '--accept-smaller']]) {
      const result = await run(...args);
      expectExit(result, 0);
      expect(result.stderr).toContain(`${join(state(), 'hosts.json')} is damaged`);
    }
    expect((await run('backup', 'status')).stderr).toContain(`${join(state(), 'previous.json')} is damaged`);
    const undone = await run('restore', '--undo', '--yes', '--json');
    expectExit(undone, 1);
    expect(errorOf(undone).message).toContain(join(state(), 'previous.json'));

    const journal = join(state(), 'restore-journal.json');
    writeFileSync(journal, '{"phase": "swa');
    const list = await run('backup', 'list');
    expectExit(list, 0);
    expect(list.stderr).toMatch(/is not finished yet: the journal .*restore-journal.json.*mv /);
    const backup = await run('backup', '--accept-smaller', '--json');
    expectExit(backup, 0);
    expect(backup.json().suspicions[0]).toContain('neither finished nor undone');
    const restored = await run('restore', set, '--yes', '--no-safety-backup', '--json');
    expectExit(restored, 1);
    expect(errorOf(restored)).toMatchObject({message: expect.stringContaining(journal), next: expect.stringContaining('mv ')});
    rmSync(journal);
    await restore(stack, 'newest', [set, '--no-safety-backup', '--keep-previous', '0']);
    expect(await leftovers(stack)).toEqual([]);
  });

  it('a full or read-only place for the state is named; looking and backups go on, a restore does not begin', async () => {
    const withState = async (path: string, message: RegExp) => {
      rmSync(state(), {recursive: true});
      symlinkSync(path, state());
      expectExit(await run('backup', 'list'), 0);
      expectExit(await run('backup', '--accept-smaller'), 0);
      const result = await run('restore', set, '--yes', '--no-safety-backup', '--json');
      expectExit(result, 1);
      expect(errorOf(result).message).toMatch(message);
      expect(await stateOf(stack)).toEqual(live);
    };
    await withSmallDisk(1, async (disk) => {
      writeFileSync(join(disk.path, 'filler'), Buffer.alloc(await disk.free()));
      await withState(disk.path, /^the disk of .*restore-journal\.json is full/);
    });
    const view = await readOnlyView(stack.scratch);
    try {
      await withState(view.path, /restore-journal\.json/);
    } finally {
      await view.remove();
      rmSync(state());
    }
  });
});
