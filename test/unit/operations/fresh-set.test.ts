import {describe, expect, it} from 'vitest';
import {delayAtRandom, freshOf} from '../../../src/operations/fresh-set.ts';
import type {KnownSet} from '../../../src/operations/known-sets.ts';

const now = new Date('2026-11-21T12:00:00Z');
const hour = 3600;
const hoursAgo = (hours: number, more: Partial<KnownSet> = {}, sources = ['db', 'uploads']): KnownSet => ({
  id: `set-${hours}`,
  time: new Date(now.getTime() - hours * hour * 1000),
  state: 'complete',
  isSafety: false,
  isImported: false,
  isEarlier: false,
  host: 'here',
  isFinished: true,
  suspicions: [],
  sources: sources.map((source) => ({source, bytes: 1, added: 1, notes: []})),
  ...more,
});
const find = (...sets: KnownSet[]) => freshOf(sets, {sources: ['db', 'uploads'], seconds: 25 * hour, hostNames: new Set(['here', 'before']), now})?.set;

describe('freshOf', () => {
  it.each([
    ['a set of this day', [hoursAgo(3)], 'set-3'],
    ['a set on the edge', [hoursAgo(25)], 'set-25'],
    ['an older set', [hoursAgo(25.1)], undefined],
    ['no set', [], undefined],
    ['a set with unreadable files', [hoursAgo(3, {state: 'incomplete'})], 'set-3'],
    ['a set of a run that died', [hoursAgo(3, {state: 'incomplete', isFinished: false})], undefined],
    ['a set made by a restore', [hoursAgo(3, {isSafety: true})], undefined],
    ['a set that was imported', [hoursAgo(3, {isImported: true})], undefined],
    ['a set of the earlier command line', [hoursAgo(3, {isEarlier: true})], undefined],
    ['a set of another host', [hoursAgo(3, {host: 'there'})], undefined],
    ['a set of this host under an earlier name', [hoursAgo(3, {host: 'before'})], 'set-3'],
    ['a set of one source', [hoursAgo(1, {}, ['db']), hoursAgo(4)], 'set-4'],
    ['a set from the future', [hoursAgo(-5), hoursAgo(30)], undefined],
  ])('with %s', (_, sets, expected) => {
    expect(find(...sets)).toBe(expected);
  });
});

describe('delayAtRandom', () => {
  const told: string[] = [];
  const log = {showsProgress: false, info: (text: string) => void told.push(text), warn: () => {}, debug: () => {}, progress: () => {}};

  it('says how long it waits, and ends with the reason when it is interrupted', async () => {
    const controller = new AbortController();
    const waiting = delayAtRandom({log, signal: controller.signal}, 7200, () => 0.5);
    expect(told).toEqual(['beginning in 1h 00m: a random delay of up to 2h 00m']);
    controller.abort(new Error('the reason'));
    await expect(waiting).rejects.toThrow('the reason');
    await delayAtRandom({log, signal: new AbortController().signal}, 7200, () => 0);
  });
});
