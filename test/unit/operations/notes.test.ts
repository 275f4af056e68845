import {describe, expect, it} from 'vitest';
import type {Manifest} from '../../../src/operations/manifest.ts';
import {newNotes} from '../../../src/operations/notes.ts';

const manifest = (set: string, notes: Record<string, string[] | undefined>, more: Partial<Manifest> = {}): Manifest => ({
  format: 1, tool: 't', set, time: '2026-01-01T00:00:00Z', host: 'h', project: 'p', state: 'complete',
  sources: Object.entries(notes).map(([source, told]) => ({source, snapshot: 'a', bytes: 1, added: 1, files: 1, seconds: 1, unreadable: [], details: {}, ...(told && {notes: told})})),
  ...more,
});
const tasks = (notes: Record<string, string[]>) => Object.entries(notes).map(([name, told]) => ({source: {name}, task: {notes: told}}));

describe('newNotes', () => {
  it.each<[string, Record<string, string[]>, Manifest[], string[]]>([
    ['tells all at the first backup', {db: ['one', 'two'], uploads: []}, [], ['db: one', 'db: two']],
    ['tells nothing again', {db: ['one']}, [manifest('2', {db: ['one']}), manifest('1', {db: undefined})], []],
    ['tells what is new alone', {db: ['one', 'two']}, [manifest('1', {db: ['one']})], ['db: two']],
    ['tells again what had gone in between', {db: ['one']}, [manifest('1', {db: ['one']}), manifest('2', {db: undefined})], ['db: one']],
    ['looks for the newest set that has the source', {db: ['one']}, [manifest('1', {db: ['one']}), manifest('2', {uploads: undefined})], []],
    ['takes an imported set for no backup', {db: ['one']}, [manifest('1', {db: ['one']}), manifest('2', {db: undefined}, {imported: true})], []],
  ])('%s', (_, now, earlier, expected) => {
    expect(newNotes(tasks(now), earlier)).toEqual(expected);
  });
});
