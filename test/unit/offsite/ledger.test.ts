import {appendFileSync, readFileSync, statSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {beforeEach, expect, it} from 'vitest';
import {openLedger} from '../../../src/offsite/ledger.ts';
import {temporaryDirectory} from '../support.ts';

const owner = {repository: 'a'.repeat(64), url: 's3:https://s3.example.org/bucket'};
const epoch = {name: '20261121T020000Z-3f9a', begun: new Date('2026-11-21T02:00:00Z')};
const object = (path: string) => ({path, bytes: 7, etag: 'e', version: undefined, time: epoch.begun});
let path: string;
beforeEach(async () => {
  path = join(temporaryDirectory(), 'deep', 'ledger.jsonl');
  const ledger = openLedger(path, owner);
  expect(ledger.epoch).toBeUndefined();
  await ledger.begin(epoch);
  for (const name of ['config', 'keys/1', 'data/ab/1', 'data/ab/2']) ledger.record(object(name));
  ledger.sync();
  ledger.close();
});
const known = () => {
  const ledger = openLedger(path, owner);
  return {epoch: ledger.epoch?.name, sent: [...ledger.sent.keys()], damaged: ledger.damagedLines};
};

it('knows the epoch and everything that was sent', () => {
  expect(known()).toEqual({epoch: epoch.name, sent: ['config', 'keys/1', 'data/ab/1', 'data/ab/2'], damaged: 0});
  expect(openLedger(path, owner).epoch?.begun).toEqual(epoch.begun);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('cut anywhere, it knows less, never something else, and goes on', () => {
  const whole = readFileSync(path);
  for (let length = whole.length; length >= 0; length -= 1) {
    writeFileSync(path, whole.subarray(0, length));
    const {epoch: name, sent} = known();
    expect([undefined, epoch.name]).toContain(name);
    expect(['config', 'keys/1', 'data/ab/1', 'data/ab/2'].slice(0, sent.length)).toEqual(sent);
    if (name === undefined) continue;
    const ledger = openLedger(path, owner);
    ledger.record(object('data/ab/3'));
    ledger.close();
    expect(known().sent).toEqual([...sent, 'data/ab/3']);
  }
});

it('leaves out lines that a crash of the host filled with rubbish', () => {
  truncateSync(path, statSync(path).size + 4096);
  appendFileSync(path, '{"path":"data/ab/9","byt');
  const ledger = openLedger(path, owner);
  ledger.record(object('data/ab/3'));
  ledger.close();
  expect(known()).toEqual({epoch: epoch.name, sent: ['config', 'keys/1', 'data/ab/1', 'data/ab/2', 'data/ab/3'], damaged: 1});
});

it('is rid of such lines once it is repaired', async () => {
  truncateSync(path, statSync(path).size + 10);
  appendFileSync(path, '\n{"path":"data/ab/5","bytes":7}\nnonsense\n');
  const before = known();
  expect(before.damaged).toBe(2);
  await openLedger(path, owner).repair();
  expect(known()).toEqual({...before, damaged: 0});
});

it.each([
  {...owner, repository: 'b'.repeat(64)},
  {...owner, url: 's3:https://s3.example.org/other'},
])('of another copy, it knows nothing', (other) => {
  const ledger = openLedger(path, other);
  expect([ledger.epoch, ledger.sent.size]).toEqual([undefined, 0]);
});

it('a new epoch forgets the one before', async () => {
  const ledger = openLedger(path, owner);
  await ledger.begin({name: '20261221T020000Z-0000', begun: new Date('2026-12-21T02:00:00Z')});
  ledger.record(object('config'));
  ledger.close();
  expect(known()).toEqual({epoch: '20261221T020000Z-0000', sent: ['config'], damaged: 0});
});
