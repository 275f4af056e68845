import {readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {loadTortureSchema} from '../support/database.ts';
import {writeSmallFiles, writeTortureFiles} from '../support/files.ts';
import {imageFor} from '../support/images.ts';
import {failures, leftOfTests, restoreTest, storeTampered, watchLive, type ReportedCheck} from '../support/restore-tests.ts';
import {awkwardNames, makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, errorOf, stateOf, type BackupReport} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
/** Little data, and the extension that only one image has. */
let small: BackupReport;

beforeAll(async () => {
  stack = await startStack(useBench(), {...awkwardNames, heartbeat: false});
  await makeCheapRepository(stack);
  await stack.psql('create extension postgis; create table media (filename text); insert into media values (\'small/0000/photo-1.jpg\'), (\'/small/0000/photo-2.jpg\')');
  await stack.psql('create table pages (id integer primary key, body text); insert into pages select n, md5(n::text) from generate_series(1, 1000) n');
  writeSmallFiles(stack.uploadsPath, 20);
  await stack.writeConfig({BACKUP_FILES_QUERY: 'select filename from media'});
  small = await backUp(stack, 'newest');
});
afterAll(() => stack?.stop());

/** The set is tested by its id and must fail, with these words. */
async function expectFailure(set: string, words: RegExp, env: Record<string, string> = {}): Promise<void> {
  const result = await restoreTest(stack, [set], {env});
  expectExit(result, 1);
  expect(result.json()).toMatchObject({state: 'failed', set});
  expect(failures(result).join('\n')).toMatch(words);
  expect(await leftOfTests(stack)).toEqual([]);
  const {sets} = (await timetiles(['backup', 'list', '--json'], {stack})).json();
  const evidence = sets.find((listed: {set: string}) => listed.set === set).restoreTest;
  expect(evidence.state).toBe('failed');
  expect(evidence.problems.join('\n')).toMatch(words.source.includes('^') ? /./ : words);
}

describe('a set that does not come back as it was fails', () => {
  it('when a row is missing that the manifest counted', async () => {
    const set = await storeTampered(stack, small, '20200101T000000Z-0001', {dump: (text) => text.replace(/\n777\t[^\n]*\n/, '\n')});
    await expectFailure(set, /public\.pages has 999, not 1000/);
  });

  it('when it has the snapshot of another database', async () => {
    const set = await storeTampered(stack, small, '20200101T000000Z-0002', {keepSnapshots: true});
    await expectFailure(set, /the manifest names the snapshot [0-9a-f]{8}, but the set has [0-9a-f]{8}/);
  });

  it('when it needs an extension that the image lacks', async () => {
    const {stdout} = await stack.docker(['image', 'inspect', '--format', '{{.Id}}', await imageFor(stack.bench.dockerHost, 'postgresPlain')]);
    const set = await storeTampered(stack, small, '20200101T000000Z-0003', {record: ({details}) => void (details.image.id = stdout.trim())});
    await expectFailure(set, /the set needs .* that the image of \S+ does not have: .*postgis/);
  });

  it('when an index is invalid, and when one is not in order', async () => {
    const invalid = `update pg_catalog.pg_index set indisvalid = false where indexrelid = 'public.pages_pkey'::regclass;`;
    const disorder = `create function public.compare(integer, integer) returns integer language sql immutable as 'select case when $1 < $2 then -1 when $1 > $2 then 1 else 0 end';
      create operator class public.odd for type integer using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 public.compare(integer, integer);
      create index pages_odd on public.pages (id public.odd);
      create or replace function public.compare(integer, integer) returns integer language sql immutable as 'select case when $1 < $2 then 1 when $1 > $2 then -1 else 0 end';`;
    const set = await storeTampered(stack, small, '20200101T000000Z-0004', {dump: (text) => `${text}\n${invalid}\n${disorder}\n`});
    await expectFailure(set, /db indexes: invalid: (public\.)?pages_pkey\ndb amcheck: .*item order invariant violated for index "pages_odd"/);
  });

  it('when a file is missing that a row names, or that the set had', async () => {
    const copy = join(stack.scratch, 'copy');
    await execa('cp', ['-a', stack.uploadsPath, copy]);
    rmSync(join(copy, 'small', '0000', 'photo-1.jpg'));
    const set = await storeTampered(stack, small, '20200101T000000Z-0005', {uploads: copy, keepSnapshots: true});
    await expectFailure(set, /uploads snapshot: the manifest names/);
    await stack.psql(`insert into media values ('gone.jpg')`);
    const incomplete = await backUp(stack, 'newest');
    await expectFailure(incomplete.set, /uploads files-query: 1 file of the 3 that BACKUP_FILES_QUERY names absent: gone\.jpg/);
    await stack.psql(`delete from media where filename = 'gone.jpg'`);
  });

  it.each(['db', 'uploads'] as const)('when a pack of %s is missing, and the other source is looked at all the same', async (source) => {
    const before = new Set(packs());
    if (source === 'db') await stack.psql(`create table noise as select md5(random()::text) || md5(random()::text) as body from generate_series(1, 60000)`);
    else writeFileSync(join(stack.uploadsPath, 'noise'), new Uint8Array(4 * 1024 * 1024).map(() => Math.random() * 256));
    const {set} = await backUp(stack, 'newest');
    const pack = packs().filter((path) => !before.has(path)).toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
    renameSync(pack, `${pack}.away`);
    try {
      await expectFailure(set, new RegExp(`^${source} restore: `));
      const result = await restoreTest(stack, [set]);
      const other = result.json().sources.find((candidate: {source: string}) => candidate.source !== source);
      expect(other.checks.map(({state}: ReportedCheck) => state)).not.toContain('failed');
    } finally {
      renameSync(`${pack}.away`, pack);
    }
  });

  it('and alerts once, until a set passes again', async () => {
    const alerts = () => readFileSync(join(stack.home, 'alerts.log'), 'utf8').trim().split('\n').filter((line) => line.includes('restore-test'));
    expect(alerts().at(-1)).toContain('failed');
    const status = await timetiles(['backup', 'status', '--json'], {stack});
    expect(status.json().findings).toMatchObject([{key: 'failed:restore-test'}]);
    expectExit(await restoreTest(stack, [small.set]), 0);
    expect(alerts().at(-1)).toContain('recovered');
    expectExit(await timetiles(['backup', 'status', '--json'], {stack}), 0);
  });
});

function packs(): string[] {
  const data = join(stack.repository, 'data');
  return readdirSync(data, {recursive: true, encoding: 'utf8'}).filter((name) => /\/[0-9a-f]{64}$/.test(name)).map((name) => join(data, name));
}

describe('a test that cannot be made is an error', () => {
  const expectNotMade = async (set: string, words: RegExp) => {
    const result = await restoreTest(stack, [set]);
    expectExit(result, 1);
    expect(errorOf(result).message).toMatch(words);
    expect(await leftOfTests(stack)).toEqual([]);
    const {sets} = (await timetiles(['backup', 'list', '--json'], {stack})).json();
    expect(sets.find((listed: {set: string}) => listed.set === set).restoreTest).toBeNull();
    return errorOf(result);
  };

  it('when the disk has no room, which is asked before anything is made', async () => {
    const set = await storeTampered(stack, small, '20200102T000000Z-0001', {record: ({details}) => void (details.server.bytes = 1e16)});
    await expectNotMade(set, /could not be made: restoring the set beside the live data needs 13\.\d PiB, but the disk of Docker's volumes \(.*\) has only [\d.]+ GiB free/);
  });

  it('when no image fits, with the command that fetches one', async () => {
    const set = await storeTampered(stack, small, '20200102T000000Z-0002', {
      record: ({details}) => {
        Object.assign(details.image, {id: `sha256:${'0'.repeat(64)}`, name: 'postgis/postgis:18-3.6'});
        details.server.versionNumber = 180_001;
      },
    });
    expect((await expectNotMade(set, /could not be made: there is no image to restore into/)).next).toBe('Fetch it: docker pull postgis/postgis:18-3.6');
  });

  it('and one with another image of the same major version is made, and says so', async () => {
    const set = await storeTampered(stack, small, '20200102T000000Z-0003', {record: ({details}) => void (details.image.id = `sha256:${'0'.repeat(64)}`)});
    const result = await restoreTest(stack, [set]);
    expectExit(result, 0);
    expect(result.json().image).toMatchObject({otherThanMade: expect.stringMatching(/does not have any more; this is the image of the running /)});
  });

  it('and one without a manifest is made, and says what could not be checked', async () => {
    const set = await storeTampered(stack, small, '20200102T000000Z-0004', {withoutManifest: true, dump: () => 'create table t (n integer);\n-- PostgreSQL database dump complete\n'});
    const result = await restoreTest(stack, [set]);
    expectExit(result, 0);
    expect(result.json().warnings.join('\n')).toMatch(/is incomplete\n.*no manifest[^]*row counts, roles and extensions could not be checked/);
    expect(result.json().sources[0].checks).toContainEqual({name: 'rows', state: 'skipped', detail: 'the set has no manifest to compare with'});
  });

  it.each([
    [['--restore-test', '--read-data'], /read-data/],
    [['latest', '--wait', 'soon'], /duration/],
    [['20200102T000000Z-0003'], /is named, but a check is about the whole repository/],
  ])('and %j is wrong usage', async (args, words) => {
    const result = await timetiles(['backup', 'verify', ...args, '--json'], {stack});
    expect(result.exitCode).toBe(2);
    expect(errorOf(result).message).toMatch(words);
  });

  it('and one snapshot is no set', async () => {
    const result = await restoreTest(stack, [small.snapshots[0]?.id ?? '']);
    expect([result.exitCode, errorOf(result).kind]).toEqual([2, 'usage']);
    expect(errorOf(await restoreTest(stack, ['nope'])).kind).toBe('not-found');
    // A slip is no failed test.
    expect((await timetiles(['backup', 'status', '--json'], {stack})).json().runs['restore-test'].last.state).toBe('done');
  });
});

describe('a good set', () => {
  let good: BackupReport;

  beforeAll(async () => {
    await stack.psql('drop extension postgis');
    await loadTortureSchema(stack);
    // It can be made anew only where the library is loaded with the server.
    await stack.psql(`alter system set shared_preload_libraries = 'pg_stat_statements'`);
    await stack.docker(['restart', stack.postgres]);
    await stack.waitHealthy();
    await stack.psql('create extension pg_stat_statements; create materialized view watched as select count(*) > 0 as ever from pg_stat_statements');
    await writeTortureFiles(stack.uploadsPath, {byteTarget: true});
    // Not one character of UTF-8 but the beginning of one, and two names that no text can tell apart.
    for (const bytes of [[0xe2, 0x82], [0xe2, 0x82, 0x41], [0xfd], [0xfe]]) writeFileSync(Buffer.concat([Buffer.from(`${stack.uploadsPath}/`), Buffer.from(bytes)]), 'bytes');
    good = await backUp(stack, 'newest', ['--accept-smaller']);
  });

  it('passes, with the image that made it, and nothing else is touched or left', async () => {
    const before = await stateOf(stack);
    const {result, changes} = await watchLive(stack, restoreTest(stack));
    expectExit(result, 0);
    expect(changes).toEqual([]);
    const report = result.json();
    expect(failures(result)).toEqual([]);
    expect(report).toMatchObject({state: 'passed', set: good.set, from: 'local', repository: stack.repository, image: {name: 'timetiles-bench/postgres:17', otherThanMade: null}, warnings: []});
    const names = (source: string) => report.sources.find((candidate: {source: string}) => candidate.source === source).checks.map(({name, state}: ReportedCheck) => `${name} ${state}`);
    expect(names('db')).toEqual(['restore passed', 'rows passed', 'extensions passed', 'indexes passed', 'constraints passed', 'amcheck passed']);
    expect(names('uploads')).toEqual(['restore passed', 'files passed', 'files-query passed']);
    expect(await stateOf(stack)).toEqual(before);
    expect(await leftOfTests(stack)).toEqual([]);
  });

  it('is shown with its evidence by list and status', async () => {
    const list = await timetiles(['backup', 'list', '--json'], {stack});
    expect(list.json().sets[0]).toMatchObject({set: good.set, restoreTest: {state: 'passed', from: 'local', problems: []}});
    expect((await timetiles(['backup', 'list'], {stack})).stdout).toMatch(/complete, restore tested just now/);
    const status = await timetiles(['backup', 'status', '--json'], {stack});
    expect(status.json()).toMatchObject({findings: [], restoreTest: {passed: {set: good.set}, overdue: false}});
    expect((await timetiles(['backup', 'status'], {stack})).stdout).toContain(`Restore test: set ${good.set} passed just now`);
  });
});
