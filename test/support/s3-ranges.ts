import type {IncomingMessage, ServerResponse} from 'node:http';
import {s3Request, type S3Key} from './s3-request.ts';

/**
 * Serves a part of an object in the gateway's place. Its store in a file answers for a range with the right length and
 * the wrong bytes, those from the beginning of the stored piece on; whole objects are right. Whether the client may read
 * was decided by the gateway: this is called with its own answer to the very request.
 */
export async function serveRange(target: URL, owner: S3Key, path: string, range: string, answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const whole = await s3Request(target.origin, owner, {path: decodeURIComponent(path)});
  if (whole.status !== 200) throw new Error(`the whole of ${path} was answered with ${whole.status}`);
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  const start = from === '' ? whole.body.length - Number(to) : Number(from);
  const end = from === '' || to === '' ? whole.body.length - 1 : Math.min(Number(to), whole.body.length - 1);
  const part = whole.body.subarray(start, end + 1);
  const {etag, 'last-modified': modified} = answer.headers;
  response
    .writeHead(206, {
      'content-length': part.length,
      'content-range': `bytes ${start}-${end}/${whole.body.length}`,
      'content-type': 'binary/octet-stream',
      'accept-ranges': 'bytes',
      ...(etag !== undefined && {etag}),
      ...(modified !== undefined && {'last-modified': modified}),
    })
    .end(part);
}
