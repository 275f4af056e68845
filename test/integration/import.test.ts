import {utimes} from 'node:fs/promises';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {openOldBackups, type OldBackups} from '../support/old-backups.ts';
import {plainRestic, plainSnapshots} from '../support/plain-restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let backups: OldBackups;
let original: State;

/** What pg_dump in the container and tar on the host make of the stack's original state, as old scripts do. */
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  await stack.psql(`create role "Old Reader"`);
  await fillStack(stack, {rows: 5000, files: 40});
  await stack.psql(`comment on table marker is 'it''s; \\connect nowhere'; grant select on marker to "Old Reader";
    insert into numbers values (-1, E'\\\\connect nowhere\\n\\\\.\\nDROP DATABASE timetiles;');`);
  // tar keeps whole seconds unless it is told otherwise.
  await execa('find', [stack.uploadsPath, '-exec', 'touch', '--no-dereference', '--date=2018-05-05 05:05:05', '{}', '+']);
  original = await stateOf(stack);
  backups = await openOldBackups(stack);
});
afterAll(() => stack?.stop());

describe('a dump and an archive of one day', () => {
  // Each format and compression once; the days tell them apart.
  const pairs = [
    {day: '2019-01-10', dump: 'app-2019-01-10.sql', make: 'pg_dump', archive: 'files-2019-01-10.tar', pack: 'tar c -C "$UPLOADS" .', restic: 'oldest'},
    {day: '2019-02-10', dump: 'app-2019-02-10.sql.gz', make: 'pg_dump --create --clean --if-exists | gzip', archive: 'files-2019-02-10.tgz', pack: 'tar cz -C "$(dirname "$UPLOADS")" "$(basename "$UPLOADS")"', restic: 'newest'},
    {day: '2019-03-10', dump: 'app-2019-03-10.sql.xz', make: 'pg_dump --inserts --clean | xz -1', archive: 'files-2019-03-10.tar.zst', pack: 'tar cP "$UPLOADS" | zstd -q', restic: 'newest'},
    {day: '2019-04-10', dump: 'app-2019-04-10.dump', make: 'pg_dump -Fc', archive: 'files-2019-04-10.tar.bz2', pack: 'tar c --format=posix --xattrs -C / "${UPLOADS#/}" | bzip2', restic: 'oldest'},
    {day: '2019-05-10', dump: 'app-2019-05-10.tar.zst', make: 'pg_dump -Ft | zstd -q', archive: 'files-2019-05-10.tar.xz', pack: 'tar c -C "$UPLOADS" . | xz -1', restic: 'newest'},
  ] as const;

  it.each(pairs)('become the set of $day, by restic $restic, and come back as they were', async ({day, dump, make: script, archive, pack, restic}) => {
    const files = [await backups.make(dump, script), await backups.make(archive, pack)];
    const report = await backups.importOld(files, {restic});
    expect(report).toMatchObject({state: 'done', skipped: [], refused: [], sets: [{time: `${day}T12:00:00.000Z`, state: 'complete', snapshots: [{source: 'db', file: dump}, {source: 'uploads', file: archive}]}]});
    const [set] = report.sets;
    const snapshots = await plainSnapshots(stack, {restic});
    const members = snapshots.filter(({tags}) => tags.includes(`set:${set?.set}`));
    expect(members.map(({time}) => time)).toEqual(Array.from({length: 3}, () => `${day}T12:00:00Z`));
    await changeStack(stack, `after ${day}`);
    expect(await stateOf(stack)).not.toEqual(original);
    await restore(stack, restic, [set?.set ?? '', '--no-safety-backup']);
    expect(await stateOf(stack)).toEqual(original);
    expect((await backups.traces()).filter((name) => name.includes('import'))).toEqual([]);
  });

  it('are plain for restic alone', async () => {
    const {sets} = (await timetiles(['backup', 'list', '--json'], {stack})).json();
    const [newest] = sets;
    expect(newest).toMatchObject({state: 'complete', imported: true, time: '2019-05-10T12:00:00.000Z'});
    const dump = await plainRestic(stack, ['dump', newest.snapshots.find(({source}: {source: string}) => source === 'db').id, '/database.sql']);
    expect(dump).toContain('-- PostgreSQL database dump complete');
    expect(dump).not.toMatch(/^(\\connect|CREATE DATABASE|DROP)/m);
  });

  it('are marked in the list, and no backup of today', async () => {
    const list = await timetiles(['backup', 'list'], {stack});
    expect(list.stdout).toMatch(/20190110T120000Z-\w{4} .*complete, imported/);
    const status = await timetiles(['backup', 'status', '--json'], {stack});
    expect(status.exitCode).toBe(1);
    expect(status.stdout).toContain('there is no backup at all');
  });

  it('are skipped when they come again, under whatever name', async () => {
    const before = await backups.traces();
    await execa('cp', [backups.path('app-2019-04-10.dump'), backups.path('copy-2020-01-01.dump')]);
    const {sets, skipped} = await backups.importOld([backups.path('app-2019-01-10.sql'), backups.path('copy-2020-01-01.dump')]);
    expect(sets).toEqual([]);
    expect(skipped).toEqual([
      {file: backups.path('app-2019-01-10.sql'), as: expect.stringMatching(/^20190110T120000Z/)},
      {file: backups.path('copy-2020-01-01.dump'), as: expect.stringMatching(/^20190410T120000Z/)},
    ]);
    expect(await backups.traces()).toEqual(before);
  });

  it('pass a restore test as far as one can go', async () => {
    const result = await timetiles(['backup', 'verify', '--restore-test', '20190210', '--json'], {stack});
    expectExit(result, 0);
    expect(result.stdout).toContain('the set was imported, and nothing tells how many rows it should have');
  });

  it('are not what later backups are compared with, nor displaced or displacing at a prune', async () => {
    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '2', BACKUP_KEEP_YEARLY: '0'});
    const today = await backups.make('app-today.sql', 'pg_dump');
    const plan = await timetiles(['backup', 'import', today, '--date', '2019-05-09', '--dry-run', '--json'], {stack});
    expect(plan.json()).toMatchObject({state: 'planned', sets: [{files: [{datedBy: '--date'}]}]});
    await stack.psql('truncate numbers');
    const {set} = await backUp(stack, 'newest');
    expect((await timetiles(['backup', 'list', '--json'], {stack})).json().sets[0]).toMatchObject({set, suspicious: false});
    const pruned = await timetiles(['backup', 'prune', '--json'], {stack});
    expectExit(pruned, 0);
    const left = (await timetiles(['backup', 'list', '--json'], {stack})).json().sets.map((listed: {set: string}) => listed.set.slice(0, 8));
    // The last one is the one that passed the restore test.
    expect(left).toEqual([set.slice(0, 8), '20190510', '20190410', '20190210']);
    await stack.writeConfig();
  });
});

describe('the time of a file', () => {
  it('is read in its header, or else its mtime; the plan says where', async () => {
    const files = [await backups.make('plain.sql', 'pg_dump'), await backups.make('custom.dump', 'pg_dump -Fc'), await backups.make('files.tar', 'tar c -C "$UPLOADS" .')];
    for (const file of files) await utimes(file, new Date('2021-06-01T01:00:00Z'), new Date('2021-06-01T01:00:00Z'));
    const result = await timetiles(['backup', 'import', ...files, '--dry-run', '--json'], {stack});
    expectExit(result, 0);
    const planned = result.json().sets.map(({time, files: members}: {time: string; files: {file: string; datedBy: string}[]}) => [time.slice(0, 10), ...members.map(({file, datedBy}) => `${file.slice(backups.directory.length + 1)}: ${datedBy}`)]);
    const today = new Date().toISOString().slice(0, 10);
    expect(planned).toEqual([['2021-06-01', 'plain.sql: its mtime', 'files.tar: its mtime'], [today, 'custom.dump: its header']]);
  });

  it('that leaves nothing after the next prune is told beforehand', async () => {
    const names = Array.from({length: 6}, (_, day) => `many-2018-03-0${day + 1}.sql`);
    for (const name of names) await backups.make(name, `pg_dump --schema-only; echo "-- ${name}"`);
    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '2', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'});
    const result = await timetiles(['backup', 'import', ...names.map((name) => backups.path(name)), '--dry-run'], {stack});
    expectExit(result, 0);
    expect(result.stdout).toMatch(/warning: no rule keeps 4 of the 6 sets, and the next backup prune would remove them/);
    await stack.writeConfig();
  });
});
