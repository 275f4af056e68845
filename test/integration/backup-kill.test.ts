import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, test} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {expectExit, startTimetiles, timetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {writeSmallFiles} from '../support/files.ts';
import {signalAt} from '../support/kill-restore.ts';
import {plainRestic, plainSnapshots} from '../support/plain-restic.ts';
import type {ResticAge} from '../support/restic.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

interface Ordeal {
  stack: Stack;
  restic: ResticAge;
  /** How many moments of a backup, and of the first one, which makes the repository. */
  moments: number;
  firstMoments: number;
  /** A query for upload paths, which takes a look at the uploads snapshot too. */
  filesQuery?: string;
}

/** After the dump is stored, long before the uploads are: restic first derives its key. */
const betweenSnapshots = [0, 20, 60];

const ordeals: Omit<Ordeal, 'stack'>[] = [
  {restic: 'newest', moments: 17, firstMoments: 4},
  {restic: 'oldest', moments: 9, firstMoments: 3, filesQuery: `select 'photo ' || id from archive`},
];

// Both at once, since each of them mostly waits.
describe.concurrent('kill -9 at any moment of a backup leaves nothing that needs a human', () => {
  test.each(ordeals)('with the $restic restic', {timeout: 400_000}, async (ordeal) => {
    const stack = await startStack(useBench(), {heartbeat: false});
    try {
      await growDatabase(stack, 8);
      writeSmallFiles(stack.uploadsPath, 300);
      await stack.writeConfig({BACKUP_FILES_QUERY: ordeal.filesQuery});
      await killFirstBackups({...ordeal, stack});
      const survivors = await killBackups({...ordeal, stack});
      await expectNothingLeft(stack, {patienceSeconds: 15});
      const sets = await readSets(stack, ordeal.restic);
      expect(sets.map(({listed}) => listed)).toEqual(sets.map(({parts}) => (parts.length === 3 ? 'complete' : 'incomplete')));
      expect(sets.filter(({set}) => survivors.includes(set)).map(({listed}) => listed)).toEqual(survivors.map(() => 'complete'));
      const killed = sets.filter(({set}) => !survivors.includes(set));
      // Some runs died between two snapshots.
      expect(killed.filter(({parts}) => !parts.includes('manifest')).length).toBeGreaterThanOrEqual(betweenSnapshots.length);
      expect(await halfDumps(stack, killed)).toEqual([]);
      expect(await wrongManifests(stack, killed)).toEqual([]);
      expect(await plainRestic(stack, ['check'], ordeal)).toContain('no errors were found');
      const latest = await timetiles(['restore', 'latest', '--dry-run'], {stack, restic: ordeal.restic});
      expect(latest.stdout).toContain(survivors.at(-1));
    } finally {
      await stack.stop();
    }
  });
});

/** Kills runs that are making the repository, each a new one; the next run must do without help. */
async function killFirstBackups({stack, restic, firstMoments}: Ordeal): Promise<void> {
  for (let index = 0; index < firstMoments; index += 1) {
    const env = {RESTIC_REPOSITORY: `${stack.scratch}/repository-${index}`};
    await killAfter(startTimetiles(['backup', 'uploads'], {stack, restic, env}), 500 + index * 450);
    const next = await timetiles(['backup', 'uploads', '--json'], {stack, restic, env});
    expectExit(next, 0);
  }
}

/** Kills runs at moments spread over the time that one takes. @returns the sets of the runs in between, oldest first */
async function killBackups({stack, restic, moments}: Ordeal): Promise<string[]> {
  const sets: string[] = [];
  const backup = async () => {
    const begin = Date.now();
    const result = await timetiles(['backup', '--json'], {stack, restic});
    expectExit(result, 0);
    sets.push(result.json().set);
    return Date.now() - begin;
  };
  await backup();
  let duration = await backup();
  for (let index = 0; index < moments; index += 1) {
    // From the moment at which the first child may run to the very end.
    await killAfter(startTimetiles(['backup'], {stack, restic}), 250 + ((duration - 250) * index) / (moments - 1));
    // At once, while children of the killed run may still be ending.
    duration = (duration + (await backup())) / 2;
  }
  // Time alone may miss the short while between two snapshots.
  for (const milliseconds of betweenSnapshots) {
    const {running} = await signalAt(['backup'], {after: 'backing up uploads', milliseconds}, 'SIGKILL', {stack, restic});
    await running.exited;
    await backup();
  }
  // A child of the last one that was killed may have left something after the backup since had looked around.
  await backup();
  return sets;
}

async function killAfter(running: ReturnType<typeof startTimetiles>, milliseconds: number): Promise<void> {
  running.stdin.end();
  await Promise.race([sleep(milliseconds), running.exited]);
  running.kill('SIGKILL');
  await running.exited;
}

interface FoundSet {
  set: string;
  /** What `backup list` calls it. */
  listed: string | undefined;
  /** Which of its snapshots there are, and their ids. */
  parts: string[];
  ids: Record<string, string>;
}

async function readSets(stack: Stack, restic: ResticAge): Promise<FoundSet[]> {
  const snapshots = await plainSnapshots(stack, {restic});
  const {sets} = (await timetiles(['backup', 'list', '--json'], {stack, restic})).json();
  const states = new Map<string, string>(sets.map(({set, state}: {set: string; state: string}) => [set, state]));
  const members = Map.groupBy(snapshots, ({tags}) => tags.find((tag) => tag.startsWith('set:'))?.slice(4) ?? 'none');
  return [...members].map(([set, found]) => {
    const entries = found.map(({id, tags}) => [tags[2] ?? 'none', id] as const);
    return {set, listed: states.get(set), parts: entries.map(([part]) => part), ids: Object.fromEntries(entries)};
  });
}

/** The sets with a dump that ends too early. */
async function halfDumps(stack: Stack, sets: FoundSet[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const {set, ids} of sets) {
    if (ids['db'] === undefined) continue;
    const dump = await plainRestic(stack, ['dump', ids['db'], '/database.sql']);
    if (!dump.includes('-- PostgreSQL database dump complete')) wrong.push(set);
  }
  return wrong;
}

/** The sets with a manifest that does not tell what came before it. */
async function wrongManifests(stack: Stack, sets: FoundSet[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const {set, ids} of sets) {
    if (ids['manifest'] === undefined) continue;
    const text = await plainRestic(stack, ['dump', ids['manifest'], '/manifest.json']);
    if (![set, ids['db'], ids['uploads']].every((id) => id !== undefined && text.includes(`"${id}"`))) wrong.push(set);
  }
  return wrong;
}
