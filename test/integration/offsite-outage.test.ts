import {afterAll, beforeAll, expect, test} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {epochRoots, offsiteConfig} from '../support/offsite.ts';
import {localEtags} from '../support/replication.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from '../support/s3-proxy.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
let gateway: Gateway;
let proxy: S3Proxy;
let bucket: Bucket;

beforeAll(async () => {
  gateway = await startGateway(useBench());
  proxy = await startS3Proxy(gateway.endpoint);
  bucket = await gateway.makeBucket({versioned: true});
  stack = await startStack(useBench(), {web: 0, heartbeat: false, databaseInMemory: true});
  await stack.writeConfig(offsiteConfig(proxy.endpoint, bucket, 'put'));
});
afterAll(async () => {
  await stack.stop();
  await proxy.close();
  await gateway.stop();
});

// The one test with the patience that operators get; all others have less of it.
test('a service that is down for a minute in the middle of a copy costs a minute, and no bytes', async () => {
  let down: number | undefined;
  let answered = 0;
  proxy.setRule(({method}) => {
    if (method !== 'PUT' || (answered += 1) <= 2) return undefined;
    down ??= Date.now();
    return Date.now() - down < 60_000 ? {kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>'} : undefined;
  });
  const result = await timetiles(['backup', 'db', '--offsite', '--json'], {stack});
  expectExit(result, 0);
  expect(result.json(), result.stderr).toMatchObject({state: 'complete', offsite: {state: 'done', lagSets: 0}});
  const refused = proxy.requests.filter(({status}) => status === 503);
  console.log(`the outage of a minute cost ${refused.length} requests; the run ended ${((Date.now() - (down ?? 0)) / 1000 - 60).toFixed(1)} s after it`);
  // Up to 5 at a time, and ever longer waits: 0.5, 1, 2, 4, 8, 16 and 20 s, give or take a half.
  expect(refused.length).toBeLessThan(60);

  const [root = ''] = await epochRoots(bucket);
  const there = (await bucket.list(`${root}/`)).map(({key, etag}) => [key.slice(root.length + 1), etag] as const);
  expect(new Map(there)).toEqual(localEtags(stack.repository));
  expect(await bucket.versions()).toHaveLength(there.length);

  const puts = proxy.requests.length;
  const next = await timetiles(['backup', 'db', '--offsite', '--json'], {stack});
  expect(next.json()).toMatchObject({offsite: {state: 'done'}});
  expect(proxy.requests.length - puts).toBeLessThan(10);
});
