import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {acquireFileLock} from '../../src/process/file-lock.ts';
import {cacheDirectory} from './paths.ts';

// A file, since every run has a network of its own, and a socket's name is known in one network only.
const path = join(cacheDirectory, 'lock');

/** Makes this process the only user of the checkout's bench, and hands back the release. */
export async function lockBench(limitMilliseconds: number): Promise<() => void> {
  const end = Date.now() + limitMilliseconds;
  const note = `process ${process.pid} (${process.argv.slice(1, 3).join(' ')})`;
  await mkdir(cacheDirectory, {recursive: true});
  for (let told = false; ; told = true) {
    const attempt = await acquireFileLock(path, note);
    if (attempt.state === 'acquired') return () => attempt.release();
    if (Date.now() >= end) {
      throw new Error(`The bench of this checkout is in use by ${attempt.note}. End that run or wait for it, then try again.`);
    }
    if (!told) console.error(`The bench of this checkout is in use by ${attempt.note}: waiting for it to finish …`);
    await sleep(1000);
  }
}
