import {readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {toolSessions} from '../support/aftermath.ts';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {loadDataset} from '../support/dataset.ts';
import {plainRestic, plainSnapshots} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const acceptIt = 'Look at the data; if this is right: timetiles backup --accept-smaller';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await loadDataset(stack, {events: 1000, uploads: 60});
  await stack.writeConfig();
});
afterAll(() => stack?.stop());

async function backUp(args: string[] = [], env: Record<string, string> = {}) {
  const result = await timetiles(['backup', ...args, '--json'], {stack, env});
  expectExit(result, 0);
  return result.json();
}

async function listed() {
  const result = await timetiles(['backup', 'list', '--json'], {stack});
  return result.json().sets;
}

describe('a set that has much less than those before it', () => {
  test('is kept and shown as suspicious until the loss is accepted', async () => {
    const good = [await backUp(), await backUp(), await backUp()];
    expect(good.map(({suspicious, suspicions, warnings}) => ({suspicious, suspicions, warnings}))).toEqual(good.map(() => ({suspicious: false, suspicions: [], warnings: []})));

    await stack.psql('delete from media; delete from events where id > 20');
    const lost = await backUp();
    const suspicions = [
      'db: rows fell from 1150 (median of 3 sets) to 110',
      'db: rows of public.events fell from 1000 (median of 3 sets) to 20',
    ];
    expect(lost).toMatchObject({state: 'complete', suspicious: true, suspicions: expect.arrayContaining(suspicions)});
    expect(lost.suspicions.at(-1)).toMatch(/^db: bytes fell from .* KiB \(median of 3 sets\) to .* KiB$/);
    expect(lost.warnings).toEqual(lost.suspicions.map((line: string) => `suspicious: ${line}. ${acceptIt}`));

    // A day later it is no less suspicious.
    const later = await timetiles(['backup', 'db'], {stack});
    expect(later.exitCode).toBe(0);
    expect(later.stdout).toMatch(/^Set \S+ is complete, but suspicious\.$/m);
    expect(later.stdout).toContain('  warning: suspicious: db: rows fell from 1150 (median of 3 sets) to 110. Look');

    const sets = await listed();
    expect(sets.map(({suspicious}: {suspicious: boolean}) => suspicious)).toEqual([true, true, false, false, false]);
    expect(sets[1]).toMatchObject({set: lost.set, state: 'complete', suspicions: lost.suspicions});
    const table = (await timetiles(['backup', 'list'], {stack})).stdout.split('\n');
    expect(table.filter((line) => line.includes('complete, suspicious'))).toHaveLength(2);

    // Nobody shall bring the loss back without knowing.
    const plan = await timetiles(['restore', 'latest', '--dry-run'], {stack});
    expectExit(plan, 0);
    expect(plan.stdout + plan.stderr).toMatch(new RegExp(`set \\S+ is suspicious \\(db: rows fell .*\\); the newest one before it that is not: ${good[2].set}`));

    // Anybody who has only the repository sees it too.
    const marked = (await plainSnapshots(stack)).filter(({tags}) => tags.includes('suspicious'));
    expect(marked.map(({tags}) => tags[1])).toContain(`set:${lost.set}`);
    expect(marked).toHaveLength(2);
    expect(marked[0]?.tags).toContain('manifest');
  });

  test('a host without its own copies of the manifests asks the repository', async () => {
    rmSync(join(stack.home, 'state', 'manifests'), {recursive: true});
    expect(await backUp(['db'])).toMatchObject({suspicious: true, suspicions: expect.arrayContaining(['db: rows fell from 1150 (median of 3 sets) to 110'])});
  });

  test('what is accepted is the measure from then on, of that source alone', async () => {
    for (const month of ['01', '02', '03', '04', '05', '06', '07', '08']) rmSync(join(stack.uploadsPath, '2024', month), {recursive: true});
    const accepted = await timetiles(['backup', 'db', '--accept-smaller', '--json'], {stack});
    expectExit(accepted, 0);
    expect(accepted.json()).toMatchObject({suspicious: false, suspicions: [], warnings: []});
    expect(accepted.stderr).toContain('accepted: db: rows fell from 1150');

    const uploads = await backUp();
    expect(uploads).toMatchObject({state: 'complete', suspicious: true});
    expect(uploads.suspicions).toEqual(['uploads: files fell from 60 (median of 3 sets) to 20', expect.stringMatching(/^uploads: bytes fell from /)]);

    expect(await backUp(['--accept-smaller'])).toMatchObject({suspicious: false, warnings: []});
    expect(await backUp()).toMatchObject({suspicious: false, warnings: []});
  });
});

describe('BACKUP_FILES_QUERY', () => {
  const check = (query: string, args: string[] = []) => backUp(args, {BACKUP_FILES_QUERY: query, BACKUP_SUSPICIOUS_PERCENT: '0'});

  test('counts and names the files that rows name and the snapshot lacks', async () => {
    const there = readdirSync(join(stack.uploadsPath, '2024/12')).map((name) => `2024/12/${name}`);
    await stack.psql(`create table attachments (path text);
      insert into attachments select unnest(array['${there[0]}', '/${there[1]}', './${there[2]}', null, '']);
      insert into attachments select 'gone/' || n || '.jpg' from generate_series(1, 7) as n;
      insert into attachments values (E'with\\ttab and \\\\ and\\nline');`);
    const report = await check('select path from attachments order by path collate "C"; ');
    const missingFiles = {state: 'checked', expected: 11, count: 8, sample: [1, 2, 3, 4, 5].map((n) => `gone/${n}.jpg`)};
    expect(report).toMatchObject({state: 'complete', missingFiles});
    expect(report.warnings).toEqual([expect.stringMatching(/^files-missing: 8 files of the 11 .* are not in the set: gone\/1\.jpg, .*gone\/5\.jpg, …\. Look for them/)]);
    const manifest = JSON.parse(await plainRestic(stack, ['dump', '--tag', 'manifest', 'latest', '/manifest.json']));
    expect(manifest).toMatchObject({set: report.set, missingFiles});
    // Nothing of the list stays on this host.
    expect(readdirSync(join(stack.home, 'state')).filter((name) => name.startsWith('paths-'))).toEqual([]);

    const whole = await check(`select path from attachments where path like '%2024/12%' -- those that are there`);
    expect(whole).toMatchObject({missingFiles: {state: 'checked', expected: 3, count: 0, sample: []}, warnings: []});
  });

  test.each([
    ['fails', 'select path from no_such_table', 'relation "no_such_table" does not exist'],
    ['returns several columns', 'select 1, path from attachments', 'the query returns several columns'],
    ['writes', 'with gone as (delete from attachments returning path) select path from gone', 'must not contain data-modifying statement|read-only transaction'],
  ])('a query that %s loses no backup', async (_, query, reason) => {
    const report = await check(query);
    expect(report).toMatchObject({state: 'complete', missingFiles: {state: 'not-checked', reason: expect.stringMatching(reason)}});
    expect(report.warnings).toEqual([expect.stringMatching(`^files-missing: not checked, .*(${reason})`)]);
    expect(await stack.psql('select count(*) from attachments')).toBe('13');
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('%s while the query runs leaves no session, and the next run works', async (signal) => {
    const running = startTimetiles(['backup'], {stack, env: {BACKUP_FILES_QUERY: 'select pg_sleep(300)::text'}});
    running.stdin.end();
    await waitUntil(async () => (await toolSessions(stack)).some((line) => line.includes('pg_sleep')), 20_000, 50);
    running.kill(signal);
    expect((await running.result).exitCode).toBe(signal === 'SIGINT' ? 130 : 137);
    expect(await check('select filename from media where false')).toMatchObject({missingFiles: {state: 'checked', expected: 0}});
    await expect.poll(() => toolSessions(stack), {timeout: 15_000}).toEqual([]);
  });

  test('one source alone has nothing to compare', async () => {
    for (const source of ['db', 'uploads']) expect(await check('select path from attachments', [source])).toMatchObject({missingFiles: null, warnings: []});
  });
});
