import {statSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timetiles, type TimetilesResult} from '../support/cli.ts';
import {loadDataset} from '../support/dataset.ts';
import {plainRestic, plainSnapshots, withoutToken} from '../support/plain-restic.ts';
import type {ResticAge} from '../support/restic.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';
import {useBench} from '../support/use-bench.ts';

const ages: ResticAge[] = ['oldest', 'newest'];
const fullId = expect.stringMatching(/^[0-9a-f]{64}$/);
const setId = /^\d{8}T\d{6}Z-[0-9a-f]{4}$/;

describe.each(ages)('with the %s restic', (restic) => {
  let stack: Stack;
  let first: TimetilesResult;
  let span: string[];
  const run = (args: string[]) => timetiles(args, {stack, restic});

  beforeAll(async () => {
    // Without the heartbeat the database stands still.
    stack = await startStack(useBench(), {heartbeat: false});
    await loadDataset(stack, {events: 3000, uploads: 60});
    await stack.writeConfig();
    const begin = Date.now();
    first = await run(['backup', '--json']);
    span = ['--since', String(begin / 1000), '--until', String(Date.now() / 1000)];
  });
  afterAll(() => stack.stop());

  test('backup prints one document with exactly what it stored', async () => {
    expect(first.exitCode).toBe(0);
    const report = first.json();
    const entry = {id: fullId, bytes: expect.any(Number), added: expect.any(Number), seconds: expect.any(Number)};
    // Fields may be added later.
    expect(report).toMatchObject({
      state: 'complete',
      set: expect.stringMatching(setId),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      snapshots: [
        {source: 'db', ...entry},
        {source: 'uploads', ...entry},
      ],
      offsite: null,
      warnings: [],
    });
    expect(report.set.slice(0, 15)).toBe(report.time.slice(0, 19).replaceAll(/[-:]/g, ''));
    expect(Math.abs(Date.now() - Date.parse(report.time))).toBeLessThan(300_000);
    for (const snapshot of report.snapshots) {
      expect(snapshot.bytes).toBeGreaterThan(100_000);
      expect(snapshot.added).toBeGreaterThan(10_000);
      expect(snapshot.seconds).toBeGreaterThan(0);
    }
  });

  test('a backup starts no more than four processes in the container by docker exec: a shell for questions, the guard, a reader, and pg_dump', async () => {
    const {stdout} = await stack.docker(['events', ...span, '--filter', 'event=exec_create', '--filter', `container=${stack.postgres}`, '--format', '{{.Action}}']);
    const ours = stdout.split('\n').filter((line) => line !== '' && !line.includes('pg_isready'));
    expect(ours).toHaveLength(4);
  });

  test('the repository is for its owner alone', () => {
    expect(statSync(stack.repository).mode & 0o7777).toBe(0o700);
    expect(statSync(join(stack.repository, 'timetiles.lock')).mode & 0o7777).toBe(0o600);
  });

  test('snapshots carry the tags of the contract', async () => {
    const report = first.json();
    const snapshots = await plainSnapshots(stack, {restic});
    const tags = (id: string) => snapshots.find((snapshot) => snapshot.id === id)?.tags;
    expect(snapshots).toHaveLength(3);
    expect(tags(report.snapshots[0].id)).toEqual(['timetiles', `set:${report.set}`, 'db']);
    expect(tags(report.snapshots[1].id)).toEqual(['timetiles', `set:${report.set}`, 'uploads']);
    const manifest = snapshots.find(({id}) => report.snapshots.every((snapshot: {id: string}) => snapshot.id !== id));
    expect(manifest?.tags.slice(0, 3)).toEqual(['timetiles', `set:${report.set}`, 'manifest']);
  });

  test('plain restic hands out the dump that pg_dump makes', async () => {
    const [db] = first.json().snapshots;
    const stored = await plainRestic(stack, ['dump', db.id, '/database.sql'], {restic});
    expect(Buffer.byteLength(stored)).toBe(db.bytes);
    const dump = await stack.docker(['exec', '--env', `PGPASSWORD=${stack.password}`, stack.postgres, 'pg_dump', '-U', stack.user, stack.database]);
    expect(withoutToken(stored) === withoutToken(dump.stdout)).toBe(true);
    expect(stored).toContain('COPY public.events');
  });

  test('plain restic restores the uploads, rooted at the volume', async () => {
    const uploads = first.json().snapshots[1];
    const target = join(stack.scratch, 'plain');
    await plainRestic(stack, ['restore', uploads.id, '--target', target], {restic});
    // The root itself is a directory that restic was given, not one that it stored.
    expect((await listTree(target)).split('\n').slice(1)).toEqual((await listTree(stack.uploadsPath)).split('\n').slice(1));
    const names = await plainRestic(stack, ['ls', uploads.id], {restic});
    expect(names.split('\n')).toContain('/2024/01/photo 0.jpg');
  });

  test('the manifest in the repository tells what a bare host needs', async () => {
    const report = first.json();
    const manifest = JSON.parse(await plainRestic(stack, ['dump', '--tag', 'manifest', 'latest', '/manifest.json'], {restic}));
    const [version, postgis] = (await stack.psql(`select current_setting('server_version') union all select extversion from pg_extension where extname = 'postgis'`)).split('\n');
    expect(manifest).toMatchObject({
      tool: expect.stringMatching(/^timetiles \d+\.\d+\.\d+$/),
      set: report.set,
      time: report.time,
      project: stack.project,
      state: 'complete',
      sources: [
        {source: 'db', snapshot: report.snapshots[0].id, bytes: report.snapshots[0].bytes},
        {source: 'uploads', snapshot: report.snapshots[1].id, bytes: report.snapshots[1].bytes, files: 60},
      ],
    });
    const {details} = manifest.sources[0];
    expect(details.server.version).toBe(version);
    expect(details.extensions).toContainEqual({name: 'postgis', version: postgis});
    expect(details.image.name).toBe('timetiles-bench/postgres:17');
    expect(details.tables).toContainEqual(['public', 'events', 3000]);
    expect(details.tables).toContainEqual(['public', 'users', 80]);
    expect(details.tables).toContainEqual(['public', 'media', 60]);
  });

  test('one source alone makes a set of its own, and the list shows all, newest first', async () => {
    const db = await run(['backup', 'db', '--json']);
    const uploads = await run(['backup', 'uploads', '--json']);
    expect([db.exitCode, uploads.exitCode]).toEqual([0, 0]);
    const reports = [uploads.json(), db.json(), first.json()];
    expect(reports.map((report) => report.snapshots.map(({source}: {source: string}) => source))).toEqual([['uploads'], ['db'], ['db', 'uploads']]);
    // Nothing has changed since, so nothing but restic's own records was added.
    expect(reports[0].snapshots[0].added).toBeLessThan(20_000);

    const list = await run(['backup', 'list', '--json']);
    expect(list.exitCode).toBe(0);
    const {sets} = list.json();
    expect(sets.map(({set}: {set: string}) => set)).toEqual(reports.map(({set}) => set));
    for (const [index, set] of sets.entries()) {
      expect(set).toMatchObject({state: 'complete', snapshots: reports[index].snapshots.map(({source, id, bytes}: {source: string; id: string; bytes: number}) => ({source, id, bytes, time: expect.any(String)}))});
      // The id of a set has whole seconds.
      expect(Math.abs(Date.parse(set.time) - Date.parse(reports[index].time))).toBeLessThan(1000);
    }

    const table = (await run(['backup', 'list'])).stdout.trimEnd().split('\n');
    expect(table).toHaveLength(4);
    expect(table[0]).toMatch(/^SET +AGE +STATE +SOURCES$/);
    for (const [index, line] of table.slice(1).entries()) {
      expect(line).toContain(reports[index].set);
      expect(line).toContain('complete');
      for (const {source, id} of reports[index].snapshots) expect(line).toContain(`${source} ${id.slice(0, 8)} `);
    }
  });

  test('sizes come from the repository when this host has forgotten them', async () => {
    const before = (await run(['backup', 'list', '--json'])).json();
    const elsewhere = join(stack.scratch, 'elsewhere');
    const env = {TIMETILES_HOME: elsewhere, RESTIC_PASSWORD: 'a bench password', RESTIC_REPOSITORY: stack.repository};
    const list = await timetiles(['backup', 'list', '--json'], {stack, restic, env});
    expect(list.json()).toEqual(before);
  });
});
