import {expect, it} from 'vitest';
import type {BackupSet} from '../../../src/operations/sets.ts';
import {alteredSnapshots} from '../../../src/operations/verify-newest.ts';
import type {Snapshot} from '../../../src/restic/messages.ts';

const id = 'a'.repeat(64);
const time = new Date('2026-11-21T02:00:00Z');

/** A set whose only snapshot restic lists so, against a manifest that tells of 500 bytes in it. */
function compare(listed: Partial<Snapshot>, bytes = 500): string[] {
  const snapshot: Snapshot = {id, time: time.toISOString(), hostname: 'h', paths: [], tags: [], ...listed};
  const set: BackupSet = {id: 'S', time, state: 'complete', isSafety: false, isSuspicious: false, isImported: false, isEarlier: false, host: 'h', manifest: 'm', snapshots: [{source: 'db', id: snapshot.id, time, snapshot}]};
  return alteredSnapshots(set, {sources: [{source: 'db', snapshot: id, bytes, added: 0, files: 1, seconds: 1, unreadable: [], details: {}}]});
}

it.each<[string, Partial<Snapshot>, number?]>([
  ['of that id, without a size, as old versions list it', {}],
  ['of that size', {summary: {total_bytes_processed: 500}}],
  ['that is a copy of it', {id: 'b'.repeat(64), original: id, summary: {total_bytes_processed: 500}}],
  ['of the note that stands for an empty directory', {summary: {total_bytes_processed: 25}}, 0],
])('a snapshot %s is the one', (_, listed, bytes) => {
  expect(compare(listed, bytes)).toEqual([]);
});

it.each<[string, Partial<Snapshot>, RegExp]>([
  ['of another id', {id: 'b'.repeat(64)}, /^set S is without its snapshot aaaaaaaa of db/],
  ['that lost files in a repair', {id: 'b'.repeat(64), original: id, tags: ['repaired']}, /^set S is without its snapshot/],
  ['of another size', {summary: {total_bytes_processed: 400}}, /has 400 bytes, and its manifest tells of 500$/],
])('a snapshot %s is not', (_, listed, words) => {
  expect(compare(listed)).toEqual([expect.stringMatching(words)]);
});
