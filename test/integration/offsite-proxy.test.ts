import {request} from 'node:https';
import {readFile} from 'node:fs/promises';
import {afterAll, afterEach, beforeAll, beforeEach, expect, test} from 'vitest';
import {makeCertificates} from '../support/certificates.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {startS3Proxy, type S3Action, type S3Proxy} from '../support/s3-proxy.ts';
import {s3Request} from '../support/s3-request.ts';
import {useBench} from '../support/use-bench.ts';

let gateway: Gateway;
let bucket: Bucket;
let proxy: S3Proxy;

beforeAll(async () => {
  gateway = await startGateway(useBench());
});
afterAll(() => gateway.stop());
beforeEach(async () => {
  bucket = await gateway.makeBucket();
  proxy = await startS3Proxy(gateway.endpoint);
});
afterEach(() => proxy.close());

const mebibyte = Buffer.alloc(1024 * 1024, 7);

async function ask(method: string, body: Buffer = Buffer.alloc(0), bodyDigest?: string): Promise<number | string> {
  const more = bodyDigest === undefined ? {} : {bodyDigest};
  const sent = s3Request(proxy.endpoint, bucket.keys.full, {method, path: `/${bucket.name}/an object`, body, ...more});
  return sent.then(
    ({status, body: content}) => (method === 'GET' && status === 200 ? content.toString('latin1') : status),
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

test('the proxy passes a signed request on unchanged, and notes it', async () => {
  expect(await ask('PUT', mebibyte)).toBe(200);
  expect(await ask('GET')).toBe(mebibyte.toString('latin1'));
  expect(await ask('HEAD')).toBe(200);
  expect(await ask('DELETE')).toBe(204);
  expect(await ask('HEAD')).toBe(404);
  const shared = {path: `/${bucket.name}/an%20object`, query: '', delivered: true};
  expect(proxy.requests).toMatchObject([
    {...shared, index: 0, method: 'PUT', status: 200, bodyBytes: mebibyte.length},
    {...shared, index: 1, method: 'GET', status: 200, bodyBytes: 0},
    {...shared, index: 2, method: 'HEAD', status: 200},
    {...shared, index: 3, method: 'DELETE', status: 204},
    {...shared, index: 4, method: 'HEAD', status: 404},
  ]);
  expect(proxy.requests[0]?.headers['host']).toBe(new URL(proxy.endpoint).host);
});

test('the proxy answers in place of the gateway, cuts, delays and damages as it is told', async () => {
  const once = (action: S3Action) => {
    const next = proxy.requests.length;
    proxy.setRule(({index}) => (index === next ? action : undefined));
  };
  const stored = async () => (await bucket.list()).map((object) => object.bytes);

  once({kind: 'answer', status: 503, body: '<Error><Code>SlowDown</Code></Error>', headers: {'retry-after': '1'}});
  expect(await ask('PUT', mebibyte)).toBe(503);
  for (const afterBytes of [0, 1000, 10 * mebibyte.length]) {
    once({kind: 'cut', afterBytes});
    expect(await ask('PUT', mebibyte)).toMatch(/ECONNRESET|EPIPE/);
  }
  once({kind: 'damage', offset: 500_000});
  expect(await ask('PUT', mebibyte)).toBe(400);
  expect(proxy.requests.map(({status, delivered}) => [status, delivered])).toEqual([
    [503, true], [undefined, false], [undefined, false], [undefined, false], [400, true],
  ]);

  once({kind: 'cut-response'});
  expect(await ask('PUT', mebibyte)).toMatch(/ECONNRESET/);
  expect(proxy.requests.at(-1)).toMatchObject({status: 200, delivered: false, bodyBytes: mebibyte.length});
  expect(await stored()).toEqual([mebibyte.length]);

  once({kind: 'damage-response', offset: 500_000});
  const damaged = Buffer.from(String(await ask('GET')), 'latin1');
  expect(damaged.length).toBe(mebibyte.length);
  expect([damaged.findIndex((byte) => byte !== 7), damaged[500_000]]).toEqual([500_000, 6]);

  const started = Date.now();
  once({kind: 'delay', milliseconds: 300});
  expect(await ask('HEAD')).toBe(200);
  expect(Date.now() - started).toBeGreaterThanOrEqual(300);
});

test('a request that the proxy never answers ends with the proxy', async () => {
  const silent = await startS3Proxy(gateway.endpoint);
  silent.setRule(() => ({kind: 'stall'}));
  const path = `/${bucket.name}/object`;
  const asked = s3Request(silent.endpoint, bucket.keys.full, {method: 'PUT', path, body: mebibyte});
  const failure = asked.then(() => 'an answer', (error: Error) => error.message);
  await expect.poll(() => silent.requests[0]?.bodyBytes).toBe(mebibyte.length);
  await silent.close();
  expect(await failure).toMatch(/socket hang up|ECONNRESET/);
});

test('a test may look at the bucket after every answer, before the client hears of it', async () => {
  const seen: unknown[] = [];
  proxy.setAfterEach(async ({method, status, delivered}) => {
    seen.push([method, status, delivered, (await bucket.list()).length]);
  });
  expect(await ask('PUT', mebibyte)).toBe(200);
  expect(await ask('DELETE')).toBe(204);
  expect(seen).toEqual([['PUT', 200, false, 1], ['DELETE', 204, false, 0]]);

  const other = await startS3Proxy(gateway.endpoint, {afterEach: () => Promise.reject(new Error('not as expected'))});
  await expect(s3Request(other.endpoint, bucket.keys.full)).rejects.toThrow(/hang up|ECONNRESET/);
  await expect(other.close()).rejects.toThrow('not as expected');
});

test('a body that the gateway refuses early does not stop the client', async () => {
  expect(await ask('PUT', Buffer.alloc(64 * 1024 * 1024), '0'.repeat(64))).toBe(400);
  const answer = await s3Request(proxy.endpoint, bucket.keys.read, {
    method: 'PUT', path: `/${bucket.name}/object`, body: Buffer.alloc(64 * 1024 * 1024),
  });
  expect(answer.code).toBe('AccessDenied');
});

test('with a certificate of a private authority the proxy speaks HTTPS', async () => {
  const certificates = await makeCertificates();
  const secure = await startS3Proxy(gateway.endpoint, {tls: certificates.tls});
  const statusOf = (ca?: Buffer) =>
    new Promise((resolve) => {
      const sent = request(secure.endpoint, {agent: false, ...(ca ? {ca} : {})}, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      sent.end();
    });
  try {
    expect(await statusOf(await readFile(certificates.authority))).toBe(200);
    expect(await statusOf()).toMatch(/UNABLE_TO|SELF_SIGNED/);
  } finally {
    await secure.close();
    await certificates.remove();
  }
});
