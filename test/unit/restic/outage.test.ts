import {expect, test} from 'vitest';
import {watchOutage} from '../../../src/restic/outage.ts';

const refused = 'dial tcp 10.0.0.5:443: connect: connection refused';
const retry = (request: string, why = refused, pause = '552.330144ms') => `${request} returned error, retrying after ${pause}: ${why}`;

test('a request that fails for too long is an outage; many that fail once are not', () => {
  let time = 0;
  const outage = watchOutage(180_000, () => time);
  const lasting: number[] = [];
  for (; time <= 200_000; time += 10_000) {
    // A provider that refuses some requests now and then.
    expect(outage.isLasting(retry(`Save(<data/${time}>)`, '503 SlowDown'))).toBe(false);
    expect(outage.isLasting('repository 1234 opened (version 2)')).toBe(false);
  }
  expect(outage.said()).toBeUndefined();
  for (const end = time + 200_000; time <= end; time += 20_000) if (outage.isLasting(retry('Remove(<lock/dd06059fea>)'))) lasting.push(time);
  expect(lasting).toHaveLength(2);
  expect(outage.said()).toBe(`the repository has not answered for 180 seconds: ${refused}`);
});

test('restic does not begin a pause that ends too late', () => {
  let time = 0;
  const outage = watchOutage(180_000, () => time);
  expect(outage.isLasting(retry('Stat(<config/>)', refused, '29.296840928s'))).toBe(false);
  time = 100_000;
  expect(outage.isLasting(retry('Stat(<config/>)', refused, '1m25.700175411s'))).toBe(true);
  expect(outage.said()).toContain('for 100 seconds');
});

test('a request that fails once now and once an hour later was answered in between', () => {
  let time = 0;
  const outage = watchOutage(180_000, () => time);
  expect(outage.isLasting(retry('List(index)'))).toBe(false);
  time = 3_600_000;
  expect(outage.isLasting(retry('List(index)'))).toBe(false);
});

test.each([
  retry('Load(<data/6bed910370>, 208, 0)'),
  retry('List(lock)'),
  `{"message_type":"error","error":{"message":"${retry('Save(\\u003cdata/ab\\u003e)')}"}}`,
])('the words of restic are known: %s', (line) => {
  let time = 0;
  const outage = watchOutage(10, () => time);
  expect(outage.isLasting(line)).toBe(false);
  time = 11;
  expect(outage.isLasting(line)).toBe(true);
});
