import {readFileSync, renameSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {plainRestic} from '../support/plain-restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.psql('create table numbers as select generate_series(1, 1000) as n');
  await stack.writeConfig();
});
afterAll(() => stack?.stop());

const keys = (result: {json(): {findings: {key: string}[]}}) => result.json().findings.map(({key}) => key);

test('a host without a backup, with an old one, with a fresh one: exit 1 until all is well', async () => {
  const none = await timetiles(['backup', 'status', '--json'], {stack});
  expect([none.exitCode, keys(none)]).toEqual([1, ['stale']]);

  // Nothing but restic itself can tell of these sets.
  const other = {restic: 'newest', repository: join(stack.scratch, 'other')} as const;
  await plainRestic(stack, ['init'], other);
  await storeOldSet(stack, {daysAgo: 3}, other);
  const old = await timetiles(['backup', 'status', '--json'], {stack, env: {RESTIC_REPOSITORY: other.repository}});
  expect([old.exitCode, keys(old)]).toEqual([1, ['stale:db']]);

  expectExit(await timetiles(['backup'], {stack}), 0);
  const good = await timetiles(['backup', 'status'], {stack});
  expectExit(good, 0);
  expect(good.stdout).toMatch(/^db +\S+ +just now +[\d.]+ KiB +\+/m);
  expect(good.stdout.trimEnd().split('\n').at(-1)).toBe('All is well.');

  // The same set is judged by whoever allows less.
  const strict = await timetiles(['backup', 'status', '--json'], {stack, env: {BACKUP_MAX_AGE_HOURS: '0'}});
  expect([strict.exitCode, keys(strict)]).toEqual([1, ['stale:db', 'stale:uploads']]);
  expect(strict.json().healthy).toBe(false);
});

test('says so when the repository has gone', async () => {
  renameSync(stack.repository, `${stack.repository}.away`);
  try {
    const result = await timetiles(['backup', 'status'], {stack});
    expectExit(result, 1);
    expect(result.stdout).toContain(`there is no repository at ${stack.repository}`);
  } finally {
    renameSync(`${stack.repository}.away`, stack.repository);
  }
});

test('draws the trend on a terminal', async () => {
  expectExit(await timetiles(['backup', 'uploads'], {stack}), 0);
  const terminal = await openTerminal(['backup', 'status'], {stack});
  expect(await terminal.waitFor('All is well.')).toMatch(/db .*█/);
  await terminal.close();
});

test('writes a file for node_exporter that others may read, and names a directory that is not there', async () => {
  const file = join(stack.scratch, 'timetiles.prom');
  expectExit(await timetiles(['backup', 'status', '--prometheus', file], {stack}), 0);
  const text = readFileSync(file, 'utf8');
  expect([text.includes('timetiles_healthy 1\n'), statSync(file).mode & 0o777]).toEqual([true, 0o644]);
  expect(text).toMatch(/^timetiles_source_bytes\{source="db"\} [1-9]\d+$/m);
  const wrong = await timetiles(['backup', 'status', '--json', '--prometheus', '/nowhere/timetiles.prom'], {stack});
  expect([wrong.exitCode, errorOf(wrong).kind]).toEqual([2, 'usage']);
});
