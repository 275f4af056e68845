import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {planRetention} from '../../src/operations/retention.ts';
import {retentionRules, type RetentionPolicy, type RetentionRule} from '../../src/operations/retention-rules.ts';
import {groupSets, manifestTags, sourceTags, type BackupSet} from '../../src/operations/sets.ts';
import {parseSnapshots} from '../../src/restic/messages.ts';
import {makeLocalRepository, type LocalRepository} from '../support/local-repository.ts';
import {openMasterKey, writeSnapshot} from '../support/restic-crypto.ts';
import {seededRandom} from '../support/seeded-random.ts';
import {useBench} from '../support/use-bench.ts';

const nights = 730;
const day = 86_400_000;
const {seed, random} = seededRandom();
const whole = (below: number) => Math.floor(random() * below);

let repository: LocalRepository;
let sets: BackupSet[];

beforeAll(async () => {
  repository = await makeLocalRepository(useBench());
  await repository.change({file: 1000});
  await repository.backup();
  const [first] = JSON.parse(await repository.restic(['snapshots', '--json']));
  const master = openMasterKey(repository.path, 'a bench password');
  rmSync(join(repository.path, 'snapshots', first.id));
  for (const [id, time] of simulatedSets()) {
    const names = ['db', 'uploads'];
    const tags = [...names.map((name) => sourceTags(id, name)), manifestTags(id, names, {safety: false, incomplete: false, suspicious: false})];
    for (const list of tags) writeSnapshot(repository.path, master, {time, tree: first.tree, paths: ['/'], hostname: 'host', username: 'root', tags: list});
  }
  sets = groupSets(parseSnapshots(await repository.restic(['snapshots', '--json'])));
}, 120_000);
afterAll(() => repository?.remove());

/** Two years of nights until yesterday: some are missed, some have two sets, and the hour drifts. */
function simulatedSets(): [string, string][] {
  const simulated: [string, string][] = [];
  for (let night = nights; night > 0; night -= 1) {
    const runs = random() < 0.07 ? 0 : random() < 0.1 ? 2 : 1;
    for (let run = 0; run < runs; run += 1) {
      const time = new Date(Date.now() - night * day + run * whole(day) + whole(3_600_000)).toISOString().replace(/\.\d+/, '');
      simulated.push([`${time.replaceAll(/[-:]/g, '')}-${whole(65_536).toString(16).padStart(4, '0')}`, time]);
    }
  }
  return simulated;
}

const none: RetentionPolicy = {mode: 'counts', last: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0};
const usual: Omit<RetentionPolicy, 'mode'> = {last: 3, daily: 7, weekly: 4, monthly: 12, yearly: 0};

/** What each rule keeps, by the id of the manifest. */
type Kept = Record<string, string[]>;

function keptByUs(policy: RetentionPolicy): Kept {
  const {kept} = planRetention(sets, policy, {now: new Date()});
  const byRules = kept.map(({set, reasons}) => [set.manifest ?? '', reasons.filter((reason) => retentionRules.some((rule) => rule === reason))] as const);
  return Object.fromEntries(byRules.filter(([, reasons]) => reasons.length > 0).map(([id, reasons]) => [id, [...reasons]]));
}

/** By the tag of the set: restic 0.14 prints short ids. */
async function keptByRestic(policy: RetentionPolicy, age: 'oldest' | 'newest'): Promise<Kept> {
  const flags = retentionRules.filter((rule) => policy[rule] > 0).flatMap((rule) => flagOf(rule, policy));
  const [group] = JSON.parse(await repository.restic(['forget', '--dry-run', '--no-lock', '--json', '--tag', 'manifest', '--group-by', 'host', ...flags], {age, env: {TZ: 'UTC'}}));
  const reasons: {snapshot: {time: string; tags: string[]}; matches: string[]}[] = group.reasons;
  const ids = new Map(sets.map((set) => [`set:${set.id}`, set.manifest ?? '']));
  return Object.fromEntries(reasons.map(({snapshot, matches}) => [ids.get(snapshot.tags.find((tag) => tag.startsWith('set:')) ?? '') ?? '', matches.map(ruleOf)]));
}

function flagOf(rule: RetentionRule, {mode, ...counts}: RetentionPolicy): string[] {
  if (mode === 'counts') return [`--keep-${rule}`, `${counts[rule]}`];
  const span = {last: `${counts.last}d`, daily: `${counts.daily}d`, weekly: `${7 * counts.weekly}d`, monthly: `${counts.monthly}m`, yearly: `${counts.yearly}y`}[rule];
  return [rule === 'last' ? '--keep-within' : `--keep-within-${rule}`, span];
}

/** `last snapshot`, `oldest daily snapshot`, `within 3d` and `weekly within 28d` are restic's words. */
function ruleOf(match: string): string {
  const word = match.replace(/^oldest /, '').split(' ')[0] ?? '';
  return word === 'within' ? 'last' : word;
}

const policies: [string, Omit<RetentionPolicy, 'mode'>][] = [
  ['the defaults', usual],
  ...retentionRules.map((rule): [string, Omit<RetentionPolicy, 'mode'>] => [`${rule} alone`, {...none, [rule]: 5}]),
  ['more than there is', {last: 1, daily: 5000, weekly: 300, monthly: 100, yearly: 9}],
  ...Array.from({length: 8}, (_, index): [string, Omit<RetentionPolicy, 'mode'>] => [`random ${index} of seed ${seed}`, {last: 1 + whole(6), daily: whole(40), weekly: whole(30), monthly: whole(30), yearly: whole(4)}]),
];

describe(`two years of nights, seed ${seed}`, () => {
  test('are as many sets as were written, all complete', () => {
    expect(sets.length).toBeGreaterThan(650);
    expect(sets.every(({state}) => state === 'complete')).toBe(true);
  });

  test.each(policies)('counts: %s', async (_, counts) => {
    const policy = {...counts, mode: 'counts'} as const;
    const ours = keptByUs(policy);
    expect(ours).toEqual(await keptByRestic(policy, 'newest'));
    // That one knows nothing of keeping the oldest set while there is room.
    const old = Object.keys(await keptByRestic(policy, 'oldest'));
    expect(Object.keys(ours).filter((id) => id !== sets.at(-1)?.manifest)).toEqual(old.filter((id) => id !== sets.at(-1)?.manifest));
  });

  test.each(policies)('spans: %s', async (_, counts) => {
    const policy = {...counts, mode: 'within'} as const;
    expect(keptByUs(policy)).toEqual(await keptByRestic(policy, 'newest'));
  });
});
