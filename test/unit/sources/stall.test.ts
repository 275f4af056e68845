import {setTimeout as sleep} from 'node:timers/promises';
import {expect, test} from 'vitest';
import {watchForStall} from '../../../src/sources/postgres/stall.ts';

test('a dump without a new byte is given up, but not while it waits for something that is known', async () => {
  const stall = watchForStall(0.3);
  const seen: string[] = [];
  void stall.stalled.then(() => seen.push('stalled'));
  for (let bytes = 1; bytes <= 3; bytes += 1) {
    stall.saw(bytes);
    await sleep(150);
  }
  stall.waits();
  await sleep(150);
  expect(seen).toEqual([]);
  expect(stall.error('shop-db-1')).toBeUndefined();
  // The same number again is no progress.
  for (let time = 0; time < 4; time += 1) {
    stall.saw(3);
    await sleep(100);
  }
  expect(seen).toEqual(['stalled']);
  expect(stall.error('shop-db-1')).toMatchObject({kind: 'timeout', message: expect.stringContaining('pg_dump in shop-db-1 has written nothing for')});
  stall.close();
});
