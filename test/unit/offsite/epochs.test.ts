import {createHash} from 'node:crypto';
import {mkdirSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {expect, it} from 'vitest';
import {isEpochName, newEpoch, reasonForNewEpoch} from '../../../src/offsite/epoch.ts';
import {openLedger} from '../../../src/offsite/ledger.ts';
import {replicate} from '../../../src/offsite/replicate.ts';
import type {PutRequest, PutResult} from '../../../src/offsite/s3/client.ts';
import {seededRandom} from '../../support/seeded-random.ts';
import {temporaryDirectory} from '../support.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

interface StoredObject {
  time: number;
  bytes: number;
}

/** A bucket that removes every object at a certain age. */
class ExpiringBucket {
  readonly objects = new Map<string, StoredObject>();
  bytesEver = 0;
  now = new Date();

  put = ({key, bytes}: PutRequest): Promise<PutResult> => {
    if (this.objects.has(key)) throw new Error(`${key} is sent again`);
    this.objects.set(key, {time: this.now.getTime(), bytes});
    this.bytesEver += bytes;
    return Promise.resolve({state: 'stored', etag: undefined, version: undefined});
  };

  expire(days: number): void {
    for (const [key, {time}] of this.objects) if (this.now.getTime() - time >= days * day) this.objects.delete(key);
  }

  /** What is there of every epoch, newest epoch first. */
  epochs(): {name: string; paths: Map<string, StoredObject>}[] {
    const found = new Map<string, Map<string, StoredObject>>();
    for (const [key, object] of this.objects) {
      const [name = '', ...path] = key.split('/');
      found.set(name, (found.get(name) ?? new Map<string, StoredObject>()).set(path.join('/'), object));
    }
    return [...found].map(([name, paths]) => ({name, paths})).toSorted((a, b) => (a.name < b.name ? 1 : -1));
  }
}

/** A directory that changes like a repository with a backup each night and a prune each week. */
class GrowingRepository {
  readonly files = new Map<string, number>();
  readonly everAdded = new Set<string>();
  bytesEver = 0;
  readonly path: string;
  private readonly random: () => number;

  constructor(path: string, random: () => number) {
    this.path = path;
    this.random = random;
    for (const folder of ['keys', 'data', 'index', 'snapshots']) mkdirSync(join(path, folder), {recursive: true});
    this.write('config', Buffer.from('config'));
    this.add('keys');
    for (let count = 0; count < 40; count += 1) this.add('data');
  }

  backUp(): void {
    for (let count = 1 + Math.floor(this.random() * 3); count > 0; count -= 1) this.add('data');
    this.add('index');
    this.add('snapshots');
  }

  prune(): void {
    const of = (kind: string) => [...this.files.keys()].filter((path) => path.startsWith(`${kind}/`));
    for (const path of of('index')) this.remove(path);
    for (const path of of('snapshots').slice(0, -20)) this.remove(path);
    const packs = of('data');
    for (const path of packs.slice(0, Math.max(0, packs.length - 60))) if (this.random() < 0.8) this.remove(path);
    this.add('data');
    this.add('index');
  }

  private add(kind: string): void {
    const content = Buffer.alloc(kind === 'data' ? 900 : 60);
    let name = '';
    // Few folders, because each of them is read each night.
    while (!name.startsWith('0')) {
      content.writeDoubleLE(this.random());
      name = createHash('sha256').update(content).digest('hex');
    }
    this.write(kind === 'data' ? `data/${name.slice(0, 2)}/${name}` : `${kind}/${name}`, content);
  }

  private write(path: string, content: Buffer): void {
    mkdirSync(dirname(join(this.path, path)), {recursive: true});
    writeFileSync(join(this.path, path), content);
    this.files.set(path, content.length);
    this.bytesEver += content.length;
  }

  private remove(path: string): void {
    rmSync(join(this.path, path));
    this.files.delete(path);
  }
}

it.each([
  {expireDays: 90, nights: 400, startHour: 2, most: 8},
  {expireDays: 90, nights: 100, startHour: 23.9, most: 8},
  {expireDays: 365, nights: 300, startHour: 12, most: 3},
  {expireDays: 30, nights: 100, startHour: 0.1, most: 10},
  {expireDays: 6, nights: 40, startHour: 4, most: 25},
])('where objects expire after $expireDays days, the newest copy stays whole for two thirds of that, whatever night the host dies', {timeout: 60_000}, async ({expireDays, nights, startHour, most}) => {
  const {random, seed} = seededRandom();
  const directory = temporaryDirectory();
  const repository = new GrowingRepository(join(directory, 'repository'), random);
  const bucket = new ExpiringBucket();
  const owner = {repository: 'a'.repeat(64), url: 's3:https://s3.example.org/bucket'};
  const begin = Date.parse('2026-01-01T00:00:00Z') + startHour * 60 * minute;
  let least = Infinity;
  let mostEpochs = 0;
  const begun: string[] = [];
  for (let night = 0; night < nights; night += 1) {
    bucket.now = new Date(begin + night * day + (random() * 40 - 20) * minute);
    bucket.expire(expireDays);
    // The host was off, for one night or several.
    if (night > 0 && random() < 0.04) {
      night += Math.floor(random() * 3);
      continue;
    }
    repository.backUp();
    if (night % 7 === 6) repository.prune();
    const ledger = openLedger(join(directory, 'ledger'), owner);
    if (reasonForNewEpoch(ledger.epoch, expireDays, bucket.now) !== undefined) {
      await ledger.begin(newEpoch(bucket.now));
      begun.push(ledger.epoch?.name ?? '');
    }
    const root = ledger.epoch?.name ?? '';
    await replicate({
      repository: repository.path, client: bucket, ledger, root, conditional: true, connections: 5, bandwidth: undefined,
      now: () => bucket.now, signal: new AbortController().signal, onProgress: () => {},
    });
    const known = [...ledger.sent.keys()];
    ledger.close();

    const where = `night ${night}, seed ${seed}`;
    const epochs = bucket.epochs();
    const newest = epochs[0];
    // All that is here is in the newest epoch, and so is all that this host believes to be there.
    expect(newest?.name, where).toBe(root);
    expect([...repository.files.keys(), ...known].filter((path) => !newest?.paths.has(path)), where).toEqual([]);
    const oldest = Math.min(...[...(newest?.paths.values() ?? [])].map(({time}) => time));
    // At its worst the host dies just before the next night's run.
    least = Math.min(least, oldest + expireDays * day - (bucket.now.getTime() + day));
    mostEpochs = Math.max(mostEpochs, epochs.length);
  }
  const leastDays = least / day;
  const factor = bucket.bytesEver / repository.bytesEver;
  console.log(`expiry ${expireDays} days, ${nights} nights: ${begun.length} epochs, ${bucket.bytesEver} bytes sent against ${repository.bytesEver} without epochs (${factor.toFixed(2)} times), whole for at least ${leastDays.toFixed(2)} days, at most ${mostEpochs} epochs at a time (seed ${seed})`);
  expect(leastDays, `seed ${seed}`).toBeGreaterThanOrEqual((expireDays * 2) / 3);
  expect(factor, `seed ${seed}`).toBeLessThan(most);
  expect(begun.every(isEpochName)).toBe(true);
  // No more epochs than it takes: one each third of the time, which is a day shorter so that no night comes too late.
  expect(begun.length).toBeLessThanOrEqual(Math.ceil(nights / Math.max(1, Math.floor(expireDays / 3) - 1)) + 1);
  // Restores look through the eight newest.
  expect(mostEpochs).toBeLessThanOrEqual(8);
});

it('without expiry one epoch goes on for ever, and without a ledger one begins', () => {
  const epoch = newEpoch(new Date('2026-01-01T02:00:00Z'));
  expect(reasonForNewEpoch(epoch, 0, new Date('2036-01-01T02:00:00Z'))).toBeUndefined();
  expect(reasonForNewEpoch(undefined, 0, new Date())).toContain('nothing is known');
});
