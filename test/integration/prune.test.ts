import {randomBytes} from 'node:crypto';
import {existsSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {readdir, stat} from 'node:fs/promises';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {signalAt} from '../support/kill-restore.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {plainRestic, plainSnapshots, repositoryFiles} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import type {ResticAge} from '../support/restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const lastOne = {BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0', BACKUP_KEEP_YEARLY: '0'};

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.psql('create table numbers as select generate_series(1, 1000) as n');
  // Files come and go here as no app's do.
  await stack.writeConfig({BACKUP_SUSPICIOUS_PERCENT: '0'});
  for (const age of ['oldest', 'middle', 'newest']) await makeCheapRepository(stack, {repository: join(stack.scratch, `repository-${age}`)});
});
afterAll(() => stack?.stop());

const ages: ResticAge[] = ['newest', 'oldest'];

/** A repository of its own for each restic, so that both can be tested at once: they mostly derive keys. */
function repositoryOf(restic: ResticAge) {
  const repository = join(stack.scratch, `repository-${restic}`);
  const env = {...lastOne, RESTIC_REPOSITORY: repository};
  const run = (args: string[]) => timetiles([...args, '--json'], {stack, restic, env});
  /** Backs up and tells which set that made. */
  const backUp = async (args: string[] = []): Promise<string> => {
    const result = await run(['backup', ...args]);
    expectExit(result, 0);
    return result.json().set;
  };
  return {repository, env, run, backUp};
}

async function bytesOf(directory: string): Promise<number> {
  const entries = await readdir(directory, {recursive: true, withFileTypes: true});
  const sizes = await Promise.all(entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name))));
  return sizes.reduce((sum, {size}) => sum + size, 0);
}

describe('with real restic', () => {
  test.concurrent.each(ages)('%s: a dry run says what a prune then does, and what stays can be restored', async (restic) => {
    const {repository, run, backUp} = repositoryOf(restic);
    writeFileSync(join(stack.uploadsPath, `noise-${restic}`), randomBytes(2_000_000));
    const first = await backUp();
    rmSync(join(stack.uploadsPath, `noise-${restic}`));
    writeFileSync(join(stack.uploadsPath, `photo-${restic}`), `a photo for ${restic}`);
    const second = await backUp();
    const db = await backUp(['db']);
    const options = {restic, repository};
    const [older, died, coming] = [
      await storeOldSet(stack, {daysAgo: 40}, options),
      await storeOldSet(stack, {daysAgo: 38, killed: true}, options),
      await storeOldSet(stack, {daysAgo: -400}, options),
    ];
    const copies = () => readdir(join(stack.home, 'state', 'manifests'));
    const snapshots = await plainSnapshots(stack, options);
    const manifests = Object.fromEntries(snapshots.filter(({tags}) => tags.includes('manifest')).map(({id, tags}) => [tags[1]?.slice(4), id]));

    const plan = await run(['backup', 'prune', '--dry-run']);
    expect(plan).toMatchObject({exitCode: 0});
    expect(plan.json()).toEqual({
      dryRun: true,
      removed: [
        {set: first, time: expect.any(String), state: 'complete', reason: 'expired'},
        {set: died, time: expect.any(String), state: 'incomplete', reason: 'unfinished'},
        {set: older, time: expect.any(String), state: 'complete', reason: 'expired'},
      ],
      kept: [
        {set: coming, time: expect.any(String), state: 'complete', reasons: ['future']},
        {set: db, time: expect.any(String), state: 'complete', reasons: expect.arrayContaining(['last', 'newest', 'latest'])},
        {set: second, time: expect.any(String), state: 'complete', reasons: ['last', 'newest']},
      ],
      freedBytes: expect.any(Number),
      held: null,
      offsite: null,
      warnings: [expect.stringContaining(coming)],
    });
    expect(repositoryFiles(repository, 'snapshots')).toHaveLength(snapshots.length);
    expect(await copies()).toContain(`${manifests[first]}.json`);

    const before = await bytesOf(repository);
    const pruned = await run(['backup', 'prune']);
    expect(pruned).toMatchObject({exitCode: 0});
    const freed = before - (await bytesOf(repository));
    // The lock's note of this run is among the files.
    expect(Math.abs(pruned.json().freedBytes - freed)).toBeLessThan(200);
    expect(freed).toBeGreaterThan(1_900_000);
    // The dry run knows the data, not the snapshots and the index.
    expect(Math.abs(plan.json().freedBytes - freed)).toBeLessThan(20_000);
    expect(pruned.json()).toEqual({...plan.json(), dryRun: false, freedBytes: pruned.json().freedBytes});
    const left = await plainSnapshots(stack, options);
    expect(new Set(left.map(({tags}) => tags[1]?.slice(4)))).toEqual(new Set([coming, db, second]));
    expect(left).toHaveLength(7);
    expect(await copies()).not.toContain(`${manifests[first]}.json`);
    expect(await copies()).toContain(`${manifests[second]}.json`);
    expect(await plainRestic(stack, ['check', '--read-data'], options)).toContain('no errors were found');
    const target = join(stack.scratch, `look-${restic}`);
    expect(await run(['restore', second, '--target', target])).toMatchObject({exitCode: 0});
    const written = await readdir(target, {recursive: true});
    expect(written.some((name) => name.endsWith(`noise-${restic}`))).toBe(false);
    expect(readFileSync(join(target, written.find((name) => name.endsWith(`photo-${restic}`)) ?? ''), 'utf8')).toBe(`a photo for ${restic}`);
    expect(readFileSync(join(target, 'database.sql'), 'utf8')).toContain('COPY public.numbers');
  });
});

describe('what keeps sets from going', () => {
  const stateFile = (name: string) => join(stack.home, 'state', name);
  const removedBy = async (run: (args: string[]) => ReturnType<typeof timetiles>, ...flags: string[]) => {
    const result = await run(['backup', 'prune', ...flags]);
    expectExit(result, 0);
    return result.json().removed.map(({set}: {set: string}) => set);
  };

  test('another host, until its name is known to be one of this host', async () => {
    const {repository, run, backUp} = repositoryOf('middle');
    await backUp(['db']);
    const renamed = await storeOldSet(stack, {daysAgo: 30, host: 'old-name'}, {restic: 'middle', repository});
    expect(await removedBy(run)).toEqual([]);
    expect(JSON.parse(readFileSync(stateFile('hosts.json'), 'utf8'))).toEqual([hostname()]);
    writeFileSync(stateFile('hosts.json'), JSON.stringify(['old-name']));
    expect(await removedBy(run)).toEqual([renamed]);
    expect(JSON.parse(readFileSync(stateFile('hosts.json'), 'utf8'))).toEqual(['old-name', hostname()]);
  });

  test('a restore test that it passed as the last one', async () => {
    const {repository, run} = repositoryOf('middle');
    const tested = await storeOldSet(stack, {daysAgo: 20}, {restic: 'middle', repository});
    const record = {time: new Date().toISOString(), state: 'done', message: null, set: tested};
    writeFileSync(stateFile('runs.json'), JSON.stringify({'restore-test': {last: record, lastGood: record}}));
    expect(await removedBy(run)).toEqual([]);
    rmSync(stateFile('runs.json'));
    expect(await removedBy(run)).toEqual([tested]);
  });

  test('a newest set that is suspicious, but for --force', async () => {
    const {repository, env, run} = repositoryOf('middle');
    const old = (await run(['backup', 'list'])).json().sets.map(({set}: {set: string}) => set);
    await stack.psql('delete from numbers');
    const made = await timetiles(['backup', 'db', '--json'], {stack, restic: 'middle', env: {...env, BACKUP_SUSPICIOUS_PERCENT: '50'}});
    await stack.psql('insert into numbers select generate_series(1, 1000)');
    expectExit(made, 0);
    const newest = made.json().set;
    const before = repositoryFiles(repository, 'snapshots');
    for (const flags of [['--dry-run'], []]) {
      const held = await run(['backup', 'prune', ...flags]);
      expectExit(held, 0);
      expect(held.json()).toMatchObject({removed: [], freedBytes: null, held: expect.stringContaining(`the newest set ${newest} is suspicious: db: rows fell from 1000`)});
    }
    const words = await timetiles(['backup', 'prune'], {stack, restic: 'middle', env});
    expect(words.stdout).toMatch(/Nothing was removed: .*rows fell from 1000.*\.\n.*timetiles backup status.*timetiles backup prune --force/);
    expect(repositoryFiles(repository, 'snapshots')).toEqual(before);
    expect(await removedBy(run, '--force')).toEqual(old);
  });
});

test('sets that a stranger adds offsite displace none of our own there', async () => {
  const repository = join(stack.scratch, 'repository-shared');
  const offsite = join(stack.scratch, 'offsite-shared');
  const env = {...lastOne, BACKUP_KEEP_LAST: '0', BACKUP_KEEP_DAILY: '7', RESTIC_REPOSITORY: repository, RESTIC_OFFSITE_REPOSITORY: offsite};
  const run = (args: string[]) => timetiles([...args, '--json'], {stack, env});
  expectExit(await run(['backup', 'db']), 0);
  const own = [await storeOldSet(stack, {daysAgo: 3}, {restic: 'newest', repository}), await storeOldSet(stack, {daysAgo: 4}, {restic: 'newest', repository})];
  expectExit(await run(['backup', 'db', '--offsite', '--require-offsite']), 0);
  const there = {restic: 'newest', repository: offsite} as const;
  // Later in the same days, and in days to come; all say that they are of this host.
  const days = [2.999, 3.999, -30, -60];
  const strange: string[] = [];
  for (const daysAgo of days) strange.push(await storeOldSet(stack, {daysAgo}, there));
  for (const flags of [['--dry-run'], []]) {
    const result = await run(['backup', 'prune', ...flags]);
    expectExit(result, 0);
    const {state, kept, warnings} = result.json().offsite;
    expect(state).toBe('done');
    const reasons = Object.fromEntries(kept.map((entry: {set: string; reasons: string[]}) => [entry.set, entry.reasons]));
    for (const set of own) expect(reasons[set]).toContain('daily');
    expect([reasons[strange[2] ?? ''], reasons[strange[3] ?? '']]).toEqual([['future'], ['future']]);
    expect(warnings).toEqual([expect.stringContaining('2 sets with a time in the future')]);
  }
  const left = (await plainSnapshots(stack, there)).flatMap(({tags}) => tags);
  for (const set of own) expect(left).toContain(`set:${set}`);
});

describe('after kill -9', () => {
  test.concurrent.each(ages)('%s: at any moment, the next backup and prune work, and no lock is left', async (restic) => {
    const {repository, env, run, backUp} = repositoryOf(restic);
    await backUp(['db']);
    for (const milliseconds of [0, 300, 900]) {
      await backUp(['db']);
      const {running} = await signalAt(['backup', 'prune'], {after: 'removing ', milliseconds}, 'SIGKILL', {stack, restic, env});
      await running.exited;
      // The restic of the killed run is told by the kernel, and holds its exclusive lock until it has taken that away.
      await waitUntil(() => repositoryFiles(repository, 'locks').length === 0, 10_000);
      await backUp(['db']);
    }
    const last = await run(['backup', 'prune']);
    expectExit(last, 0);
    // A killed run may have taken a set's manifest and not yet its dump: that rest goes a day later, as after any dead run.
    const whole = last.json().kept.filter(({state}: {state: string}) => state === 'complete');
    expect(whole.length, JSON.stringify(last.json().kept)).toBeLessThanOrEqual(3);
    await waitUntil(() => repositoryFiles(repository, 'locks').length === 0, 5000);
    expect(repositoryFiles(repository, 'locks')).toEqual([]);
    expect(await plainRestic(stack, ['check', '--read-data'], {restic, repository})).toContain('no errors were found');
  });
});

describe('a prune is refused', () => {
  const prune = (env: Record<string, string | undefined> = {}) => timetiles(['backup', 'prune', '--json'], {stack, env: {...lastOne, RESTIC_REPOSITORY: join(stack.scratch, 'repository-newest'), ...env}});

  test('when another run holds the lock', async () => {
    const holder = execa('flock', ['--no-fork', join(stack.scratch, 'repository-newest', 'timetiles.lock'), 'sleep', '60'], {reject: false});
    try {
      await sleep(300);
      const result = await prune();
      expect([result.exitCode, errorOf(result).kind]).toEqual([4, 'locked']);
    } finally {
      holder.kill('SIGKILL');
      await holder;
    }
  });

  test('when every rule is 0, and names them', async () => {
    const result = await prune({BACKUP_KEEP_LAST: '0'});
    expect([result.exitCode, errorOf(result).kind]).toEqual([2, 'configuration']);
    for (const key of Object.keys(lastOne)) expect(errorOf(result).message).toContain(key);
  });

  test('where there is no repository, and none is made', async () => {
    const repository = join(stack.scratch, 'nowhere');
    const result = await prune({RESTIC_REPOSITORY: repository});
    expect([result.exitCode, errorOf(result).kind, existsSync(repository)]).toEqual([1, 'repository-missing', false]);
  });

  test('when a snapshot is damaged: a set may look unfinished that is not', async () => {
    const directory = join(stack.scratch, 'repository-newest', 'snapshots');
    const [name = ''] = await readdir(directory);
    const content = readFileSync(join(directory, name));
    rmSync(join(directory, name));
    writeFileSync(join(directory, name), Buffer.alloc(content.length));
    // restic keeps snapshots in its cache, too.
    rmSync(join(stack.userHome, '.cache'), {recursive: true, force: true});
    try {
      const result = await prune();
      expect(result.exitCode).toBe(1);
      expect(errorOf(result)).toMatchObject({kind: 'repository', message: expect.stringContaining('nothing was removed'), next: expect.stringContaining('backup verify')});
    } finally {
      writeFileSync(join(directory, name), content);
    }
  });

  test('Ctrl-C ends it, and the next one works', async () => {
    const env = {...lastOne, RESTIC_REPOSITORY: join(stack.scratch, 'repository-newest')};
    const running = startTimetiles(['backup', 'prune'], {stack, env});
    running.stdin.end();
    await waitUntil(() => running.output().stderr.includes('no set is to go'), 20_000, 5);
    await sleep(150);
    running.killGroup('SIGINT');
    expect((await running.result).exitCode).toBe(130);
    expect(repositoryFiles(env.RESTIC_REPOSITORY, 'locks')).toEqual([]);
    expect(await prune()).toMatchObject({exitCode: 0});
  });
});
