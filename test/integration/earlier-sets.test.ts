import {mkdtemp, readFile, utimes} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {storeEarlier, storeEarlierDump, storeEarlierStream, storeEarlierUploads} from '../support/earlier-cli.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import type {ResticAge} from '../support/restic.ts';
import {failures, restoreTest} from '../support/restore-tests.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, restore, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const minutes = (days: number) => days * 24 * 60;

describe.each<ResticAge>(['oldest', 'newest'])('a repository of the earlier command line, with the %s restic', (restic) => {
  let stack: Stack;
  let first: State;
  let second: State;
  let ids: {oldDump: string; dump: string; uploads: string; foreign: string};
  let pair: string;
  let photo: Buffer;

  const run = (...args: string[]) => timetiles(args, {stack, restic});

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false, uploads: 'directory'});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 500, files: 20});
    await stack.psql('create view names as select value from marker; create role reader; grant select on marker to reader');
    const oldDump = await storeEarlierDump(stack, {restic, minutesAgo: minutes(9)});
    // No set without a manifest tells the time of the directory itself.
    await utimes(stack.uploadsPath, 1_700_000_000, 1_700_000_000);
    first = await stateOf(stack);
    photo = await readFile(join(stack.uploadsPath, 'small/0000/photo-7.jpg'));
    const foreign = await storeEarlier(stack, 'db', '/etc/hostname', {restic, minutesAgo: minutes(3)});
    const dump = await storeEarlierDump(stack, {restic, minutesAgo: 62});
    const uploads = await storeEarlierUploads(stack, {restic, minutesAgo: 60});
    ids = {oldDump, dump, uploads, foreign};
    await changeStack(stack, 'second');
    await utimes(stack.uploadsPath, 1_700_000_000, 1_700_000_000);
    second = await stateOf(stack);
  });
  afterAll(() => stack?.stop());

  it('is listed as sets of their own, marked so, and counted by status', async () => {
    const list = (await run('backup', 'list', '--json')).json();
    expect(list.sets).toMatchObject([
      {state: 'complete', earlier: true, imported: false, snapshots: [{source: 'db', id: expect.stringContaining(ids.dump.slice(0, 8))}, {source: 'uploads', id: expect.stringContaining(ids.uploads.slice(0, 8))}]},
      {state: 'complete', earlier: true, snapshots: [{source: 'db', id: expect.stringContaining(ids.oldDump.slice(0, 8))}]},
    ]);
    pair = list.sets[0].set;
    expect(pair).toMatch(/^\d{8}T\d{6}Z-[0-9a-f]{4}$/);
    expect((await run('backup', 'list')).stdout).toMatch(new RegExp(`^${pair}  1 h ago +complete, earlier CLI  db`, 'm'));
    const status = await run('backup', 'status', '--json');
    expectExit(status, 0);
    expect(status.json()).toMatchObject({sources: [{source: 'db', newest: {set: pair}}, {source: 'uploads', newest: {set: pair}}]});
    expectExit(await run('backup', 'verify'), 0);
    expect((await timetiles(['--complete-words', 'restore', ''], {stack, restic})).stdout).toContain(pair);
  });

  it('is found, looked into and written to a directory', async () => {
    const found = (await run('backup', 'find', 'photo-7.jpg', '--json')).json();
    expect(found.versions).toMatchObject([{source: 'uploads', path: 'small/0000/photo-7.jpg', oldestSet: pair, newestSet: pair}]);
    // The folders that lead to the uploads are not theirs.
    expect((await run('backup', 'find', 'uploads', '--json')).json().versions).toEqual([]);
    const target = await mkdtemp(join(stack.scratch, 'look-'));
    expectExit(await run('restore', pair, '--path', 'small/0000/photo-7.jpg', '--target', join(target, 'one')), 0);
    expect(await readFile(join(target, 'one/small/0000/photo-7.jpg'))).toEqual(photo);
    expectExit(await run('restore', ids.dump.slice(0, 10), '--target', join(target, 'dump')), 0);
    expect(await readFile(join(target, 'dump/database.sql'), 'utf8')).toContain('PostgreSQL database dump complete');
    expectExit(await run('restore', pair, '--target', join(target, 'all')), 0);
    expect(await readFile(join(target, 'all/uploads/marker'), 'utf8')).toBe('first');
    expect(errorOf(await run('restore', pair, '--path', 'small/none.jpg', '--target', join(target, 'none'), '--json'))).toMatchObject({kind: 'not-found'});
  });

  it('is restored: one snapshot, and the two of a run; what it cannot tell is said', async () => {
    expect(await restore(stack, restic, [ids.uploads.slice(0, 10), '--no-safety-backup'])).toMatchObject({set: pair, restored: ['uploads']});
    expect(await stateOf(stack)).toEqual({db: second.db, uploads: first.uploads});
    const plan = await run('restore', 'latest', '--dry-run');
    expect(plan.stdout + plan.stderr).toContain('its settings and owner stay as they are');
    expect(await restore(stack, restic, ['latest'])).toMatchObject({set: pair, restored: ['db', 'uploads'], restarted: stack.web});
    expect(await stateOf(stack)).toEqual(first);
  });

  it('passes a restore test, where roles are made as the dump names them', async () => {
    const result = await restoreTest(stack, [pair], {restic});
    expect(failures(result)).toEqual([]);
    expectExit(result, 0);
  });

  it('a dump that is not whole is refused, and the live data stays', async () => {
    const id = await storeEarlierStream(stack, '--\n-- PostgreSQL database dump\n--\ncreate table cut_off (id integer);\n', {restic, minutesAgo: 30});
    const before = await stateOf(stack);
    expect(errorOf(await run('restore', id.slice(0, 10), '--yes', '--no-safety-backup', '--json')).message).toContain('is not whole');
    expect(await stateOf(stack)).toEqual(before);
  });

  it('an empty directory is not saved over the files that only it has', async () => {
    const empty = await mkdtemp(join(stack.scratch, 'empty-'));
    await stack.docker(['run', '--detach', '--name', `${stack.project}-holder`, '--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.service=holder', '--volume', `${empty}:/uploads`, '--entrypoint', 'sleep', await imageOf(stack), 'infinity']);
    const result = await run('backup', 'uploads', '--json', '--config', await stack.writeConfig({UPLOAD_HOST_DIR: empty}, {file: 'other.conf'}));
    await stack.docker(['rm', '--force', `${stack.project}-holder`]);
    expect(errorOf(result).message).toContain('is empty, but the last backup of it has');
  });

  it('is pruned by the same rules as the sets that come after it; what others keep there stays', async () => {
    const made = await backUp(stack, restic, ['full']);
    await stack.writeConfig({BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'});
    expectExit(await run('backup', 'prune'), 0);
    const left = await plainSnapshots(stack, {restic});
    // The run that passed a restore test stays, as any set does.
    expect(left.filter(({tags}) => !tags.includes('timetiles')).map(({id}) => id.slice(0, 8))).toEqual([ids.foreign, ids.dump, ids.uploads].map((id) => id.slice(0, 8)));
    const {sets} = (await run('backup', 'list', '--json')).json();
    expect(sets[0]).toMatchObject({set: made.set, earlier: false});
  });
});

async function imageOf(stack: Stack): Promise<string> {
  return (await stack.docker(['inspect', '--format', '{{.Image}}', stack.web[0] ?? ''])).stdout.trim();
}
