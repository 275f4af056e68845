import {cpSync, mkdirSync, rmSync, statSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {filesOfKind, flipBit, pick, type FileKind} from '../support/bit-flips.ts';
import {timetiles, type TimetilesResult} from '../support/cli.ts';
import {makeLocalRepository, type LocalRepository} from '../support/local-repository.ts';
import type {ResticAge} from '../support/restic.ts';
import {addCheapKey, openMasterKey} from '../support/restic-crypto.ts';
import {seededRandom} from '../support/seeded-random.ts';
import {errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const password = 'a bench password';
const {seed, random} = seededRandom();
const structural: FileKind[] = ['keys', 'index', 'snapshots'];

let original: LocalRepository;

/** Many backups of little, so that there are many files of each kind; a key that costs nothing keeps every restic short. */
beforeAll(async () => {
  original = await makeLocalRepository(useBench());
  const master = openMasterKey(original.path, password);
  for (let key = 1; key < 30; key += 1) addCheapKey(original.path, master, password);
  for (let backup = 0; backup < 50; backup += 1) {
    await original.change({file: 3000});
    await original.backup();
  }
}, 120_000);
afterAll(() => original?.remove());

/** A copy to damage, with an installation directory beside it that remembers turns. */
function copyOf(name: string) {
  const directory = join(original.directory, name);
  const path = join(directory, 'repository');
  mkdirSync(directory);
  cpSync(original.path, path, {recursive: true});
  const run = (args: string[], restic: ResticAge = 'newest', env: Record<string, string> = {}): Promise<TimetilesResult> => {
    const given = {TIMETILES_HOME: directory, HOME: directory, RESTIC_REPOSITORY: path, RESTIC_PASSWORD: password, PATH: `${dirname(useBench().restic[restic])}:${process.env['PATH'] ?? ''}`};
    return timetiles([...args, '--json'], {env: {...given, ...env}});
  };
  return {path, run, verify: (args: string[] = [], restic?: ResticAge) => run(['backup', 'verify', ...args], restic)};
}

/** Problems name packs in full and other files by the beginning of their names. */
function isNamed(result: TimetilesResult, kind: FileKind, path: string): boolean {
  const id = basename(path);
  return result.json().problems.some((problem: string) => problem.includes(kind === 'data' ? id : id.slice(0, 8)));
}

describe(`single bits that flipped, seed ${seed}`, () => {
  test('200 in one repository: every damaged file is named, and no other', async () => {
    const {path, verify} = copyOf('many');
    const counts: [FileKind, number][] = [['data', 90], ['index', 45], ['snapshots', 45], ['keys', 20]];
    const chosen = counts.map(([kind, count]) => ({kind, files: filesOfKind(path, kind), flipped: pick(filesOfKind(path, kind), count, random)}));
    for (const {flipped} of chosen) for (const file of flipped) flipBit(file, random);
    for (const [args, kinds] of [[['--read-data'], ['data', ...structural]], [[], structural]] as const) {
      const result = await verify([...args]);
      expect(result.exitCode).toBe(1);
      expect(result.json().state).toBe('damaged');
      for (const {kind, files, flipped} of chosen.filter((one) => kinds.some((wanted) => wanted === one.kind))) {
        const named = files.filter((file) => isNamed(result, kind, file));
        expect(named, kind).toEqual(files.filter((file) => flipped.includes(file)));
      }
    }
  });

  test.each(['newest', 'oldest'] as const)('in packs alone, restic %s names every one', async (restic) => {
    const {path, verify} = copyOf(`packs-${restic}`);
    const flipped = pick(filesOfKind(path, 'data'), 60, random);
    for (const file of flipped) flipBit(file, random);
    const result = await verify(['--read-data'], restic);
    expect(result.exitCode).toBe(1);
    expect(filesOfKind(path, 'data').filter((file) => isNamed(result, 'data', file)).toSorted()).toEqual(flipped.toSorted());
  });

  // Two lanes, for two cores.
  test.concurrent.each(['newest', 'oldest'] as const)('one at a time, restic %s: each is reported, and the repository is sound without it', async (restic) => {
    const {path, verify} = copyOf(`single-${restic}`);
    for (const kind of ['data', ...structural] as const) {
      for (const file of pick(filesOfKind(path, kind), 6, random)) {
        const flipBack = flipBit(file, random);
        const result = await verify(kind === 'data' ? ['--read-data'] : [], restic);
        expect([kind, result.exitCode, result.exitCode === 1 && isNamed(result, kind, file)]).toEqual([kind, 1, true]);
        flipBack();
      }
    }
    expect((await verify(['--read-data'], restic)).json()).toMatchObject({state: 'ok', problems: []});
  });
});

test('a part is read with each run, and so many runs read everything', async () => {
  const {path, verify} = copyOf('turns');
  const [pack = ''] = pick(filesOfKind(path, 'data').filter((file) => statSync(file).size > 3000), 1, random);
  flipBit(pack, random);
  const runs: {part: unknown; state: string}[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const {part, state} = (await verify(['--read-data=25%'])).json();
    runs.push({part, state});
  }
  expect(runs.map(({part}) => part)).toEqual([1, 2, 3, 4, 1].map((number) => ({number, of: 4})));
  expect(runs.slice(0, 4).filter(({state}) => state === 'damaged')).toHaveLength(1);
  expect((await verify()).json()).toMatchObject({state: 'ok', part: null});
});

test.each(['newest', 'oldest'] as const)('in the config, restic %s: it is named, and where another is', async (restic) => {
  const {path, verify} = copyOf(`config-${restic}`);
  flipBit(join(path, 'config'), random);
  const result = await verify([], restic);
  expect(result.exitCode).toBe(1);
  expect(result.json()).toMatchObject({state: 'damaged', problems: [expect.stringMatching(/^config or key .* is damaged/)]});
  expect(result.json().repair.join('\n')).toContain(`emergency kit, or from an epoch of the offsite copy, which has the same config: ${join(path, 'config')}`);
});

test.each(['newest', 'oldest'] as const)('where no key is sound, restic %s: the key is named, and not the password', async (restic) => {
  const {path, run, verify} = copyOf(`keys-${restic}`);
  const [only = '', ...others] = filesOfKind(path, 'keys');
  for (const other of others) rmSync(other);
  for (let time = 0; time < 3; time += 1) {
    const flipBack = flipBit(only, random);
    const report = await verify([], restic);
    expect([report.exitCode, report.json().problems[0]]).toEqual([1, expect.stringContaining(`key ${basename(only).slice(0, 8)} is damaged`)]);
    expect(report.json().repair.join('\n')).toContain(`emergency kit, or from an epoch of the offsite copy, which has the same keys: ${only}`);
    const listing = await run(['backup', 'list'], restic);
    // Old versions look at no digest, and do not need the name of the user who made the key.
    if (restic === 'newest' || listing.exitCode !== 0) {
      expect(errorOf(listing)).toMatchObject({kind: 'repository-damaged', message: expect.stringContaining(basename(only).slice(0, 8))});
    }
    flipBack();
  }
  const wrong = await run(['backup', 'list'], restic, {RESTIC_PASSWORD: 'another'});
  expect(errorOf(wrong).kind).toBe('repository-password');
});
