import {describe, expect, it, vi} from 'vitest';
import {isTransient, withRetry} from '../../../src/offsite/retry.ts';
import {createBandwidth} from '../../../src/offsite/bandwidth.ts';
import {S3Failure} from '../../../src/offsite/s3/failure.ts';
import {elementTexts} from '../../../src/offsite/s3/xml.ts';

const answer = (status: number, code = '', headers = {}) => ({status, headers, body: Buffer.from(code === '' ? '' : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no &lt;b&gt; &#x41;</Message></Error>`)});
const failure = (status: number, code = '', headers = {}) => new S3Failure('storing x', answer(status, code, headers));
const quick = {firstWait: 1, longestWait: 4, total: 500};

describe('what an S3 service answers', () => {
  it.each([
    [403, 'AccessDenied', 'refused'],
    [401, '', 'refused'],
    [403, 'RequestTimeTooSkewed', 'refused'],
    [400, 'XAmzContentSHA256Mismatch', 'damaged'],
    [400, 'BadDigest', 'damaged'],
    [400, 'RequestTimeout', 'transient'],
    [409, 'ConditionalRequestConflict', 'transient'],
    [408, '', 'transient'],
    [429, 'TooManyRequests', 'transient'],
    [500, 'InternalError', 'transient'],
    [503, 'SlowDown', 'transient'],
    [501, 'NotImplemented', 'unsupported'],
    [404, 'NoSuchBucket', 'missing-bucket'],
    [400, 'AuthorizationHeaderMalformed', 'region'],
    [301, 'PermanentRedirect', 'region'],
    [400, 'InvalidArgument', 'other'],
  ] as const)('%d %s is %s', (status, code, kind) => {
    expect(failure(status, code).kind).toBe(kind);
  });

  it('is told in its own words', () => {
    expect(failure(403, 'AccessDenied').message).toBe('storing x: the service answered 403 AccessDenied (no <b> A)');
    expect(failure(503).message).toBe('storing x: the service answered 503');
  });

  it('is read by the name of its elements', () => {
    const xml = '<L xmlns="x"><Contents><Key>a&amp;b</Key></Contents><Contents><Key>c</Key></Contents></L>';
    expect(elementTexts(xml, 'Contents').flatMap((part) => elementTexts(part, 'Key'))).toEqual(['a&b', 'c']);
    expect(elementTexts(xml, 'Nothing')).toEqual([]);
  });
});

describe('withRetry', () => {
  const failing = (times: number, error: Error) => {
    let calls = 0;
    return vi.fn<() => Promise<string>>(() => (++calls > times ? Promise.resolve('done') : Promise.reject(error)));
  };

  it.each([
    ['an answer that passes', failure(503, 'SlowDown')],
    ['a connection that was cut', Object.assign(new Error('cut'), {code: 'ECONNRESET'})],
    ['bytes that arrived damaged', failure(400, 'BadDigest')],
  ])('goes on after %s', async (_, error) => {
    const work = failing(3, error);
    expect(await withRetry(work, {patience: quick})).toBe('done');
    expect(work).toHaveBeenCalledTimes(4);
  });

  it.each([failure(403, 'AccessDenied'), failure(404, 'NoSuchBucket'), failure(501), new Error('a defect')])('does not try again after %s', async (error) => {
    const work = failing(1, error);
    await expect(withRetry(work, {patience: quick})).rejects.toBe(error);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('ends when patience is over', async () => {
    const error = failure(500);
    const begin = Date.now();
    await expect(withRetry(failing(1000, error), {patience: {...quick, total: 60}})).rejects.toBe(error);
    expect(Date.now() - begin).toBeLessThan(400);
  });

  it('ends sooner where every try is damaged', async () => {
    const work = failing(1000, failure(400, 'BadDigest'));
    await expect(withRetry(work, {patience: quick})).rejects.toThrow('BadDigest');
    expect(work).toHaveBeenCalledTimes(4);
  });

  it('waits as long as the service asks, and no longer than a minute', () => {
    expect(failure(503, 'SlowDown', {'retry-after': '7'}).retryAfter).toBe(7000);
    expect(failure(503, 'SlowDown', {'retry-after': '9999'}).retryAfter).toBe(60_000);
    expect(failure(503, 'SlowDown', {'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT'}).retryAfter).toBeUndefined();
  });

  it('ends at once when it is interrupted while it waits', async () => {
    const stop = new AbortController();
    const waiting = withRetry(failing(1000, failure(500)), {patience: {firstWait: 60_000, longestWait: 60_000, total: 600_000}, signal: stop.signal});
    stop.abort(new Error('Ctrl-C'));
    await expect(waiting).rejects.toThrow('Ctrl-C');
  });

  it('knows a defect of ours from one of the network', () => {
    expect(isTransient(Object.assign(new Error('no file'), {code: 'ENOENT'}))).toBe(false);
    expect(isTransient(Object.assign(new Error('no name'), {code: 'ENOTFOUND'}))).toBe(true);
  });
});

it('the bandwidth is shared by all who take of it', async () => {
  const bandwidth = createBandwidth(1_000_000);
  const begin = Date.now();
  await Promise.all(Array.from({length: 20}, () => bandwidth.take(10_000)));
  const seconds = (Date.now() - begin) / 1000;
  expect(seconds).toBeGreaterThan(0.17);
  expect(seconds).toBeLessThan(0.6);
});
