import {mkdirSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, it} from 'vitest';
import {writeFileAtomically} from '../../../src/shared/atomic-file.ts';
import {waitUntil} from '../../../src/shared/wait.ts';
import {temporaryDirectory} from '../support.ts';

describe('waitUntil', () => {
  const never = () => Promise.resolve(false);

  it('looks until the answer is true', async () => {
    let looks = 0;
    const third = () => Promise.resolve((looks += 1) === 3);
    expect(await waitUntil(third, {limit: 5000, interval: 1})).toBe(true);
    expect(looks).toBe(3);
  });

  it('looks at least once, and gives up at the limit', async () => {
    const begin = Date.now();
    expect(await waitUntil(() => Promise.resolve(true), {limit: 0, interval: 1000})).toBe(true);
    expect(await waitUntil(never, {limit: 40, interval: 10})).toBe(false);
    expect(Date.now() - begin).toBeLessThan(1000);
  });

  it('throws the reason of an abort, before and during a pause, and not at the end of it', async () => {
    const reason = new Error('stop it');
    await expect(waitUntil(never, {limit: 1000, interval: 1, signal: AbortSignal.abort(reason)})).rejects.toBe(reason);
    const controller = new AbortController();
    const begin = Date.now();
    setTimeout(() => controller.abort(reason), 20);
    await expect(waitUntil(never, {limit: 60_000, interval: 30_000, signal: controller.signal})).rejects.toBe(reason);
    expect(Date.now() - begin).toBeLessThan(5000);
  });

  it('passes the failure of a look on', async () => {
    await expect(waitUntil(() => Promise.reject(new Error('no')), {limit: 1000, interval: 1})).rejects.toThrow('no');
  });
});

describe('writeFileAtomically', () => {
  it('makes the directory, replaces the file, and leaves nothing else; for its owner alone', async () => {
    const directory = join(temporaryDirectory(), 'a', 'b');
    const path = join(directory, 'file');
    await writeFileAtomically(path, 'one');
    await writeFileAtomically(path, 'two');
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(readdirSync(directory)).toEqual(['file']);
    expect([statSync(path).mode & 0o777, statSync(directory).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('fails without touching what is there', async () => {
    const path = join(temporaryDirectory(), 'directory');
    mkdirSync(path);
    await expect(writeFileAtomically(path, 'x')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(statSync(path).isDirectory()).toBe(true);
  });
});
