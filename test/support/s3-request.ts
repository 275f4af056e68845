import {createHash, createHmac} from 'node:crypto';
import {request as httpRequest} from 'node:http';

/** What a client of object storage proves itself with. */
export interface S3Key {
  accessKeyId: string;
  secretAccessKey: string;
}

/** One request to object storage; everything has a default. */
export interface S3Request {
  method?: string;
  /** The path before it is percent-encoded: `/bucket/key`. */
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** The body's digest as the signature names it, when it shall not be the true one. */
  bodyDigest?: string;
}

/** What object storage answered. */
export interface S3Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** The error's code, such as `AccessDenied`; undefined when the answer holds none. */
  code: string | undefined;
}

/**
 * Sends one signed request and hands back whatever the answer is. The signature is made here and not by the product's
 * own signer, so that a mistake there cannot hide behind the same mistake here.
 */
export async function s3Request(endpoint: string, key: S3Key, options: S3Request = {}): Promise<S3Answer> {
  const {method = 'GET', path = '/', query = {}} = options;
  const body = Buffer.from(options.body ?? '');
  const {hostname, port, host} = new URL(endpoint);
  const encodedPath = path.split('/').map(encode).join('/');
  const encodedQuery = Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .toSorted()
    .join('&');
  const unsigned: Record<string, string> = {
    host,
    'x-amz-content-sha256': options.bodyDigest ?? sha256(body),
    'x-amz-date': new Date().toISOString().replaceAll(/[-:]|\.\d+/g, ''),
    ...lowerCase(options.headers ?? {}),
  };
  const authorization = sign(key, {method, path: encodedPath, query: encodedQuery, headers: unsigned});
  // Told to close, the gateway does so while a client that it refuses is still sending.
  const headers = {...unsigned, authorization, 'content-length': String(body.length), connection: 'keep-alive'};
  const target = {hostname, port, method, path: encodedQuery ? `${encodedPath}?${encodedQuery}` : encodedPath, headers};
  return new Promise((resolve, reject) => {
    const request = httpRequest({...target, agent: false}, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const content = Buffer.concat(parts);
        const code = /<Error>.*?<Code>([^<]*)<\/Code>/s.exec(content.toString())?.[1];
        resolve({status: response.statusCode ?? 0, headers: response.headers, body: content, code});
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

interface Signable {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
}

/** The Authorization header of AWS Signature Version 4. */
function sign(key: S3Key, {method, path, query, headers}: Signable): string {
  const names = Object.keys(headers).toSorted();
  const time = headers['x-amz-date'] ?? '';
  const scope = [time.slice(0, 8), 'us-east-1', 's3', 'aws4_request'];
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim()}\n`).join('');
  const canonical = [method, path, query, lines, names.join(';'), headers['x-amz-content-sha256']].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
  let secret: string | Buffer = `AWS4${key.secretAccessKey}`;
  for (const part of [...scope, text]) secret = createHmac('sha256', secret).update(part).digest();
  const signature = Buffer.from(secret).toString('hex');
  const credential = `${key.accessKeyId}/${scope.join('/')}`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

// The signature wants these percent-encoded too.
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
