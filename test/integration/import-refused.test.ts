import {existsSync} from 'node:fs';
import {mkdir, readdir, readFile, truncate} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {withSmallDisk} from '../support/disk.ts';
import {resticStoring} from '../support/dump.ts';
import {openOldBackups, type OldBackups} from '../support/old-backups.ts';
import {plainRestic, plainSnapshots} from '../support/plain-restic.ts';
import {waitUntil} from '../support/processes.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {backUp, errorOf, fillStack} from '../support/two-states.ts';
import {leftoverProcesses} from '../support/tracks.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let backups: OldBackups;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  await fillStack(stack, {rows: 5000, files: 40});
  await backUp(stack, 'newest');
  backups = await openOldBackups(stack);
});
afterAll(() => stack?.stop());

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
    const file = await backups.make(name, script);
    const before = await backups.traces();
    const result = await timetiles(['backup', 'import', file, '--yes', '--json'], {stack});
    expectExit(result, 1);
    expect(errorOf(result)).toMatchObject({kind: 'import', message: expect.stringMatching(message), next: expect.stringMatching(/\w/)});
    expect(await backups.traces()).toEqual(before);
    await expectNothingLeft(stack);
  });

  it('a file that would be written through a link', async () => {
    await mkdir(backups.path('victim'));
    const script = 'cd "$(mktemp --directory --tmpdir="$OLD")" && ln -s "$OLD/victim" link && mkdir d && echo evil >d/evil && tar cf a.tar link && tar rf a.tar --transform s,^d,link, d/evil && cat a.tar';
    const before = await backups.traces();
    const result = await timetiles(['backup', 'import', await backups.make('l-2020-01-01.tar', script), '--yes', '--json'], {stack});
    expectExit(result, 1);
    expect(errorOf(result).message).toContain('could not be unpacked');
    expect(await readdir(backups.path('victim'))).toEqual([]);
    expect(await backups.traces()).toEqual(before);
  });

  it('an archive for which there is no room, before anything is unpacked; --staging names another disk', async () => {
    const archive = await backups.make('files-2020-05-05.tar', 'cd "$(mktemp --directory --tmpdir="$OLD")" && head -c 3000000 /dev/urandom >large && tar c large');
    const before = await backups.traces();
    await withSmallDisk(1, async ({path}) => {
      const result = await timetiles(['backup', 'import', archive, '--staging', path, '--yes', '--json'], {stack});
      expectExit(result, 1);
      expect(errorOf(result)).toMatchObject({kind: 'no-room', message: expect.stringContaining('unpacking needs 2.8'), next: expect.stringContaining('--staging')});
      expect(await readdir(path)).toEqual([]);
    });
    expect(await backups.traces()).toEqual(before);
    await withSmallDisk(8, async ({path}) => {
      expectExit(await timetiles(['backup', 'import', archive, '--staging', path, '--yes'], {stack}), 0);
      expect(await readdir(path)).toEqual([]);
    });
  });

  it('also of the other half of a set; other sets go on', async () => {
    const half = await backups.make('app-2020-02-02.sql', 'pg_dump');
    const broken = await backups.make('files-2020-02-02.tar', 'tar c -C "$UPLOADS" .');
    await truncate(broken, 20_480);
    const good = await backups.make('app-2020-03-03.sql', 'pg_dump --no-owner');
    const {state, sets, refused} = await backups.importOld([half, broken, good], {exitCode: 1});
    expect(state).toBe('failed');
    expect(sets.map(({time}) => time)).toEqual(['2020-03-03T12:00:00.000Z']);
    expect(refused.map(({file}) => file)).toEqual([half, broken]);
    expect(refused[0]?.message).toContain('belongs to one set with files-2020-02-02.tar');
    expect((await plainSnapshots(stack)).filter(({time}) => time.startsWith('2020-02-02'))).toEqual([]);
  });

  it('a device alone, which is left out with exit code 3', async () => {
    const file = await backups.make('files-2020-04-04.tar', 'cd "$(mktemp --directory --tmpdir="$OLD")" && mknod null c 1 3 && echo hello >upload && tar c .');
    const {state, sets} = await backups.importOld([file], {exitCode: 3});
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
    const files = [await backups.make('app-2017-07-07.sql', 'pg_dump'), await backups.make('files-2017-07-07.tar', 'cd "$(mktemp --directory --tmpdir="$OLD")" && head -c 150000000 /dev/urandom >large && tar c . && rm large')];
    const before = await backups.traces();
    const running = startTimetiles(['backup', 'import', ...files, '--yes', '--json'], {stack});
    running.stdin.end();
    return {running, before};
  }

  it('by Ctrl-C leaves no half set', async () => {
    const {running, before} = await start();
    // The dump is stored, and the archive's turn has come.
    await resticStoring(stack, '.');
    running.kill('SIGINT');
    const result = await running.result;
    expect(result.exitCode).toBe(130);
    expect(await backups.traces()).toEqual(before);
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
    expect(await waitUntil(async () => (await timetiles(['backup', 'list'], {stack})).exitCode === 0 && !existsSync(directory), 60_000)).toBe(true);
    // What restic was storing when its parent died it may still store, or it dies of the pipe and leaves its lock.
    expect(await waitUntil(async () => (await leftoverProcesses(stack)).length === 0, 60_000)).toBe(true);
    const pruned = await timetiles(['backup', 'prune'], {stack});
    expectExit(pruned, 0);
    const left = (await backups.traces()).filter((name) => !before.includes(name));
    expect(left, pruned.stdout).toEqual([]);
    await expectNothingLeft(stack);
  });
});

it('on a terminal the plan is shown, and only yes imports', async () => {
  const file = await backups.make('app-2016-06-06.sql', 'pg_dump');
  const before = await backups.traces();
  const terminal = await openTerminal(['backup', 'import', file], {stack});
  try {
    const screen = await terminal.waitFor('Import them?');
    expect(screen).toMatch(/app-2016-06-06\.sql .* dump of PostgreSQL [\d.]+ +2016-06-06 12:00 UTC \(its name\) +20160606T120000Z-\w{4}/);
    await terminal.press('Enter');
    expect(await terminal.exitCode()).toBe(130);
  } finally {
    await terminal.close();
  }
  expect(await backups.traces()).toEqual(before);
});

it('without a terminal somebody has to say yes', async () => {
  const result = await timetiles(['backup', 'import', await backups.make('app-2016-06-07.sql', 'pg_dump'), '--json'], {stack});
  expectExit(result, 2);
  expect(errorOf(result)).toMatchObject({kind: 'usage', next: expect.stringContaining('--yes')});
});
