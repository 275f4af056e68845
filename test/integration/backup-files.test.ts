import {existsSync, readdirSync, readlinkSync, rmSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {startTimetiles, timetiles} from '../support/cli.ts';
import {resticStoring} from '../support/dump.ts';
import {writeSmallFiles} from '../support/files.ts';
import {plainRestic} from '../support/plain-restic.ts';
import type {ResticAge} from '../support/restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const ages: ResticAge[] = ['oldest', 'newest'];

describe.each(ages)('with the %s restic', (restic) => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false});
    await makeCheapRepository(stack);
    writeSmallFiles(stack.uploadsPath, 30);
    await stack.writeConfig();
  });
  afterAll(() => stack.stop());

  test('a file that cannot be read makes the set incomplete, and never the latest', async () => {
    const good = await timetiles(['backup', '--json'], {stack, restic});
    expect(good.exitCode).toBe(0);
    const broken = await unreadableFile(join(stack.uploadsPath, 'small/broken.jpg'));
    const result = await timetiles(['backup', '--json'], {stack, restic});
    const inWords = await timetiles(['backup', 'uploads'], {stack, restic});
    await broken.remove();

    expect([result.exitCode, inWords.exitCode]).toEqual([3, 3]);
    const report = result.json();
    expect(report).toMatchObject({state: 'incomplete', warnings: [expect.stringMatching(/^1 file could not be read and is not in the set: .*small\/broken\.jpg$/)]});
    expect(inWords.stdout).toMatch(/is incomplete\.[^]*warning: 1 file could not be read .*small\/broken\.jpg/);
    // It is kept, with all that could be read, and told apart everywhere.
    const names = (await plainRestic(stack, ['ls', report.snapshots[1].id], {restic})).split('\n');
    expect(names).toContain('/small/0000/photo-0.jpg');
    const manifest = JSON.parse(await plainRestic(stack, ['dump', '--tag', `set:${report.set},manifest`, 'latest', '/manifest.json'], {restic}));
    expect(manifest).toMatchObject({set: report.set, state: 'incomplete', sources: [{source: 'db', unreadable: []}, {source: 'uploads', unreadable: [expect.stringContaining('broken.jpg')]}]});
    const {sets} = (await timetiles(['backup', 'list', '--json'], {stack, restic})).json();
    expect(sets.map(({state}: {state: string}) => state)).toEqual(['incomplete', 'incomplete', 'complete']);
    const latest = await timetiles(['restore', 'latest', '--dry-run'], {stack, restic});
    expect(latest.stdout).toContain(good.json().set);
    expect((await timetiles(['backup', 'uploads', '--json'], {stack, restic})).json().state).toBe('complete');
  });

  test('files that vanish while they are read are no failure', async () => {
    // Nothing but holes, enough to keep restic busy until somebody has noticed it.
    const slow = Array.from({length: 100}, (_, index) => join(stack.uploadsPath, `aaa ${index}`));
    const doomed = Array.from({length: 300}, (_, index) => join(stack.uploadsPath, `bbb ${index}`));
    for (const path of slow) {
      writeFileSync(path, '');
      truncateSync(path, 256 * 1024 * 1024);
    }
    for (const path of doomed) writeFileSync(path, 'soon gone');
    const running = startTimetiles(['backup', 'uploads', '--json'], {stack, restic});
    running.stdin.end();
    const pid = await resticReading(stack, 'aaa');
    process.kill(pid, 'SIGSTOP');
    for (const path of [...doomed, ...slow]) rmSync(path);
    process.kill(pid, 'SIGCONT');
    const result = await running.result;
    expect(result.exitCode).toBe(0);
    expect(result.json()).toMatchObject({state: 'complete', warnings: []});
    const names = (await plainRestic(stack, ['ls', result.json().snapshots[0].id], {restic})).split('\n');
    expect(names).toContain('/small/0000/photo-0.jpg');
    expect(names.filter((name) => name.startsWith('/bbb'))).toEqual([]);
    // Newer versions say nothing of files that are gone when their turn comes.
    expect(restic === 'newest' || /\d+ files vanished from the volume \S+ while it was read/.test(result.stderr)).toBe(true);
  });
});

/** A file that even root cannot read: the memory of the first process, at an address where there is none. */
async function unreadableFile(path: string): Promise<{remove(): Promise<void>}> {
  writeFileSync(path, '');
  await execa('mount', ['--bind', '/proc/1/mem', path]);
  return {
    remove: async () => {
      await execa('umount', [path]);
      rmSync(path);
    },
  };
}

/** Waits until the restic that stores the uploads has a file open whose name begins like this. */
async function resticReading(stack: Stack, prefix: string): Promise<number> {
  const pid = await resticStoring(stack, '.');
  const begin = join(stack.uploadsPath, prefix);
  // Without a pause, since there is little time until restic has passed the next file.
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    if (openFiles(pid).some((file) => file.startsWith(begin))) return pid;
  }
  throw new Error(`restic never opened ${begin}`);
}

function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    try {
      return [readlinkSync(join(directory, name))];
    } catch {
      return [];
    }
  });
}
