import {existsSync} from 'node:fs';
import {mkdir, readdir, readFile, truncate, utimes} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {expectExit, startTimetiles, timetiles, type TimetilesResult} from '../support/cli.ts';
import {resticStoring} from '../support/dump.ts';
import {plainRestic, plainSnapshots, repositoryFiles} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let old: string;
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
  old = join(stack.scratch, 'old');
  await mkdir(old);
});
afterAll(() => stack?.stop());

const oldFile = (name: string) => join(old, name);

/** Writes what a script in the shell prints, with the container and the uploads at hand. */
async function make(name: string, script: string): Promise<string> {
  const env = {DOCKER_HOST: stack.bench.dockerHost, UPLOADS: stack.uploadsPath, OLD: old};
  const dump = (program: string) => `${program}() { docker exec --env PGUSER=${stack.user} --env PGPASSWORD=${stack.password} --env PGDATABASE=${stack.database} ${stack.postgres} ${program} "$@"; }`;
  await execa('bash', ['-euo', 'pipefail', '-c', `${dump('pg_dump')}; ${dump('pg_dumpall')}; ${script}`], {env, stdout: {file: oldFile(name)}, buffer: false});
  return oldFile(name);
}

interface Imported {
  state: string;
  sets: {set: string; time: string; state: string; snapshots: {source: string; id: string; file: string; kind: string; notes: string[]; unreadable: string[]}[]}[];
  skipped: {file: string; as: string}[];
  refused: {file: string; message: string; next: string}[];
  warnings: string[];
}

async function importOld(files: string[], options: {restic?: 'oldest' | 'newest'; exitCode?: number} = {}): Promise<Imported> {
  const {restic = 'newest', exitCode = 0} = options;
  const result = await timetiles(['backup', 'import', ...files, '--yes', '--json'], {stack, restic});
  expectExit(result, exitCode);
  return result.json();
}

/** What must not change when nothing may be stored: the snapshots, and no place where archives are unpacked. */
async function traces(): Promise<string[]> {
  const state = existsSync(join(stack.home, 'state')) ? await readdir(join(stack.home, 'state')) : [];
  return [...repositoryFiles(stack.repository, 'snapshots'), ...state.filter((name) => name.includes('import'))];
}

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
    const files = [await make(dump, script), await make(archive, pack)];
    const report = await importOld(files, {restic});
    expect(report).toMatchObject({state: 'done', skipped: [], refused: [], sets: [{time: `${day}T12:00:00.000Z`, state: 'complete', snapshots: [{source: 'db', file: dump}, {source: 'uploads', file: archive}]}]});
    const [set] = report.sets;
    const snapshots = await plainSnapshots(stack, {restic});
    const members = snapshots.filter(({tags}) => tags.includes(`set:${set?.set}`));
    expect(members.map(({time}) => time)).toEqual(Array.from({length: 3}, () => `${day}T12:00:00Z`));
    await changeStack(stack, `after ${day}`);
    expect(await stateOf(stack)).not.toEqual(original);
    await restore(stack, restic, [set?.set ?? '', '--no-safety-backup']);
    expect(await stateOf(stack)).toEqual(original);
    expect((await traces()).filter((name) => name.includes('import'))).toEqual([]);
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
    const before = await traces();
    await execa('cp', [oldFile('app-2019-04-10.dump'), oldFile('copy-2020-01-01.dump')]);
    const {sets, skipped} = await importOld([oldFile('app-2019-01-10.sql'), oldFile('copy-2020-01-01.dump')]);
    expect(sets).toEqual([]);
    expect(skipped).toEqual([
      {file: oldFile('app-2019-01-10.sql'), as: expect.stringMatching(/^20190110T120000Z/)},
      {file: oldFile('copy-2020-01-01.dump'), as: expect.stringMatching(/^20190410T120000Z/)},
    ]);
    expect(await traces()).toEqual(before);
  });

  it('pass a restore test as far as one can go', async () => {
    const result = await timetiles(['backup', 'verify', '--restore-test', '20190210', '--json'], {stack});
    expectExit(result, 0);
    expect(result.stdout).toContain('the set was imported, and nothing tells how many rows it should have');
  });

  it('are not what later backups are compared with, nor displaced or displacing at a prune', async () => {
    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '2', BACKUP_KEEP_YEARLY: '0'});
    const today = await make('app-today.sql', 'pg_dump');
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
    const files = [await make('plain.sql', 'pg_dump'), await make('custom.dump', 'pg_dump -Fc'), await make('files.tar', 'tar c -C "$UPLOADS" .')];
    for (const file of files) await utimes(file, new Date('2021-06-01T01:00:00Z'), new Date('2021-06-01T01:00:00Z'));
    const result = await timetiles(['backup', 'import', ...files, '--dry-run', '--json'], {stack});
    expectExit(result, 0);
    const planned = result.json().sets.map(({time, files: members}: {time: string; files: {file: string; datedBy: string}[]}) => [time.slice(0, 10), ...members.map(({file, datedBy}) => `${file.slice(old.length + 1)}: ${datedBy}`)]);
    const today = new Date().toISOString().slice(0, 10);
    expect(planned).toEqual([['2021-06-01', 'plain.sql: its mtime', 'files.tar: its mtime'], [today, 'custom.dump: its header']]);
  });

  it('that leaves nothing after the next prune is told beforehand', async () => {
    const names = Array.from({length: 6}, (_, day) => `many-2018-03-0${day + 1}.sql`);
    for (const name of names) await make(name, `pg_dump --schema-only; echo "-- ${name}"`);
    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '2', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'});
    const result = await timetiles(['backup', 'import', ...names.map(oldFile), '--dry-run'], {stack});
    expectExit(result, 0);
    expect(result.stdout).toMatch(/warning: no rule keeps 4 of the 6 sets, and the next backup prune would remove them/);
    await stack.writeConfig();
  });
});

describe('what cannot be taken is refused, and nothing is stored', () => {
  const cases: [string, string, string, RegExp][] = [
    ['a dump that ends early', 'a-2020-01-01.sql', 'pg_dump | head -c -200', /is not whole/],
    ['a compressed file that ends early', 'b-2020-01-01.sql.gz', 'pg_dump | gzip | head -c -12', /gzip says .*unexpected end of file/],
    ['a dump whose end is a comment in a table', 'c-2020-01-01.sql', `pg_dump | sed '/^\\\\\\.$/,$d'; echo '-- PostgreSQL database dump complete'`, /is not whole/],
    ['a custom archive that ends early', 'd-2020-01-01.dump', 'pg_dump -Fc | head -c -12', /pg_restore says/],
    ['a dump that connects elsewhere', 'e-2020-01-01.sql', String.raw`pg_dump | sed '/^ALTER TABLE/i\\\connect template1'`, /several databases/],
    ['a dump of all databases', 'f-2020-01-01.sql', 'pg_dumpall', /pg_dumpall/],
    ['an archive that ends early', 'g-2020-01-01.tar', 'tar c -C "$UPLOADS" . | head -c -12000', /end of the archive is missing/],
    ['an archive with a path that leads out', 'h-2020-01-01.tar', 'cd "$UPLOADS" && tar cP ../"$(basename "$UPLOADS")"/marker', /leads out of it/],
    ['an encrypted file', 'i-2020-01-01.sql.enc', 'pg_dump | openssl enc -aes-256-cbc -pbkdf2 -pass pass:x', /encrypted with openssl/],
    ['a dump of another system', 'j-2020-01-01.sql', 'echo "-- MySQL dump 10.13"', /dump of MySQL/],
    ['an empty file', 'k-2020-01-01.sql', 'true', /is empty/],
  ];

  it.each(cases)('%s', async (_, name, script, message) => {
    const file = await make(name, script);
    const before = await traces();
    const result = await timetiles(['backup', 'import', file, '--yes', '--json'], {stack});
    expectExit(result, 1);
    expect(errorOf(result)).toMatchObject({kind: 'import', message: expect.stringMatching(message), next: expect.stringMatching(/\w/)});
    expect(await traces()).toEqual(before);
    await expectNothingLeft(stack);
  });

  it('also of the other half of a set; other sets go on', async () => {
    const half = await make('app-2020-02-02.sql', 'pg_dump');
    const broken = await make('files-2020-02-02.tar', 'tar c -C "$UPLOADS" .');
    await truncate(broken, 20_480);
    const good = await make('app-2020-03-03.sql', 'pg_dump --no-owner');
    const {state, sets, refused} = await importOld([half, broken, good], {exitCode: 1});
    expect(state).toBe('failed');
    expect(sets.map(({time}) => time)).toEqual(['2020-03-03T12:00:00.000Z']);
    expect(refused.map(({file}) => file)).toEqual([half, broken]);
    expect(refused[0]?.message).toContain('belongs to one set with files-2020-02-02.tar');
    expect((await plainSnapshots(stack)).filter(({time}) => time.startsWith('2020-02-02'))).toEqual([]);
  });

  it('a device alone, which is left out with exit code 3', async () => {
    const file = await make('files-2020-04-04.tar', 'cd "$(mktemp --directory --tmpdir="$OLD")" && mknod null c 1 3 && echo hello >upload && tar c .');
    const {state, sets} = await importOld([file], {exitCode: 3});
    expect(state).toBe('incomplete');
    expect(sets[0]?.snapshots[0]).toMatchObject({unreadable: ['./null'], notes: [expect.stringContaining('top'), expect.stringContaining('1 device')]});
    const listing = await plainRestic(stack, ['ls', sets[0]?.snapshots[0]?.id ?? '']);
    expect(listing).toContain('/upload');
    expect(listing).not.toContain('null');
  });
});

describe('an import that is cut off', () => {
  async function start(): Promise<{running: ReturnType<typeof startTimetiles>; before: string[]}> {
    // Large enough to be met while restic stores it.
    const files = [await make('app-2017-07-07.sql', 'pg_dump'), await make('files-2017-07-07.tar', 'cd "$(mktemp --directory --tmpdir="$OLD")" && head -c 150000000 /dev/urandom >large && tar c . && rm large')];
    const before = await traces();
    const running = startTimetiles(['backup', 'import', ...files, '--yes', '--json'], {stack});
    running.stdin.end();
    return {running, before};
  }

  it('by Ctrl-C leaves no half set', async () => {
    const {running, before} = await start();
    // The dump is stored, and the archive's turn has come.
    await resticStoring(stack, '.');
    running.kill('SIGINT');
    const result: TimetilesResult = await running.result;
    expect(result.exitCode).toBe(130);
    expect(await traces()).toEqual(before);
    await expectNothingLeft(stack);
  });

  it('by kill -9 leaves at most what the next command and the next prune remove', async () => {
    const {running, before} = await start();
    await resticStoring(stack, '.');
    running.kill('SIGKILL');
    await running.exited;
    const record = (await readdir(join(stack.home, 'state'))).find((name) => /^import-\w+\.json$/.test(name));
    const {directory} = JSON.parse(await readFile(join(stack.home, 'state', record ?? ''), 'utf8'));
    expect(existsSync(directory)).toBe(true);
    expect(await waitUntil(async () => (await timetiles(['backup', 'list'], {stack})).exitCode === 0 && !existsSync(directory), 10_000)).toBe(true);
    await expectNothingLeft(stack, {patienceSeconds: 15});
    const pruned = await timetiles(['backup', 'prune'], {stack});
    expectExit(pruned, 0);
    const left = (await traces()).filter((name) => !before.includes(name));
    expect(left, pruned.stdout).toEqual([]);
  });
});
