import {createHash, createHmac, type Hash, type Hmac} from 'node:crypto';
import type {SignatureV4} from '@smithy/signature-v4';
import {createRedactor} from '../../shared/redact.ts';
import {withRetry, type Patience} from '../retry.ts';
import {S3Failure} from './failure.ts';
import type {S3Location} from './location.ts';
import {createTransport, type Body, type TransportResponse} from './transport.ts';
import {elementTexts} from './xml.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3ClientOptions {
  readonly location: S3Location;
  readonly credentials: S3Credentials;
  readonly region: string;
  /** `virtual`: the bucket is a part of the host's name; `path`: it begins the path. */
  readonly addressing: 'path' | 'virtual';
  readonly ca?: string | undefined;
  readonly connections: number;
  readonly patience: Patience;
  /** Milliseconds of silence after which a request is given up and tried again; a minute unless told. */
  readonly idleLimit?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of every failure that another try follows. */
  readonly onRetry?: (text: string) => void;
  /** For everything but what is stored; `patience` unless told. */
  readonly questionPatience?: Patience;
}

export interface PutRequest {
  /** The whole key, with the prefix. */
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64. */
  readonly md5: string;
  /** Makes the body anew for every try. */
  readonly body: Body;
  /** Only if nothing has this key yet. */
  readonly ifAbsent: boolean;
}

/** `exists`: something has this key already, and it was left as it is. `unsupported`: the service knows no `If-None-Match`. */
export type PutResult = {readonly state: 'stored'; readonly etag: string | undefined; readonly version: string | undefined} | {readonly state: 'exists' | 'unsupported'};

interface Listing {
  /** Keys and what ends at the next slash, whole. */
  readonly keys: readonly string[];
  readonly folders: readonly string[];
}

/** The few requests that this tool makes. All but `status` throw S3Failure, or the error of the connection when patience is over. */
export interface S3Client {
  put(request: PutRequest): Promise<PutResult>;
  /** All keys below a prefix; with `folders`, only down to the next slash. */
  list(prefix: string, options?: {folders?: boolean; limit?: number}): Promise<Listing>;
  /** The status of a request of which only that matters. */
  status(method: 'HEAD' | 'DELETE', key: string, query?: Record<string, string>): Promise<number>;
  get(key: string): Promise<Buffer>;
  close(): void;
}

const usualIdleLimit = 60_000;
const emptyDigest = createHash('sha256').digest('hex');

export function createS3Client(options: S3ClientOptions): S3Client {
  const {location, patience, signal, idleLimit = usualIdleLimit} = options;
  const transport = createTransport({ca: options.ca, connections: options.connections, idleLimit, signal});
  let signer: Promise<SignatureV4> | undefined;
  const redact = createRedactor([options.credentials.secretAccessKey, options.credentials.sessionToken]);
  const base = addressOf(location, options.addressing);

  /** Signs for the moment of the try, and sends. */
  const once = async (method: string, key: string, more: {query?: Record<string, string>; headers?: Record<string, string>; digest?: string; body?: Body}) => {
    const path = `${base.path}/${key.split('/').map(encode).join('/')}`.replace(/\/$/, key === '' ? '' : '/') || '/';
    const {query = {}} = more;
    const signed = await (await (signer ??= loadSigner(options))).sign({
      method,
      protocol: base.origin.protocol,
      hostname: base.origin.hostname,
      path,
      query,
      headers: {host: base.origin.host, 'x-amz-content-sha256': more.digest ?? emptyDigest, ...more.headers},
    });
    const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
    const url = new URL(`${base.origin.origin}${path}${search === '' ? '' : `?${search}`}`);
    return transport.send({method, url, headers: {...signed.headers, ...(more.headers?.['content-length'] === undefined && {'content-length': '0'})}, body: more.body});
  };
  const patient = (action: string, work: () => Promise<TransportResponse>, accepted: (status: number) => boolean, given: Patience = options.questionPatience ?? patience) =>
    withRetry(
      async () => {
        const response = await work();
        if (accepted(response.status)) return response;
        throw new S3Failure(action, response, redact);
      },
      {patience: given, signal, onRetry: (error) => options.onRetry?.(error.message)},
    );
  const isGood = (status: number) => status >= 200 && status < 300;

  return {
    async put({key, bytes, sha256, md5, body, ifAbsent}) {
      const headers = {'content-length': String(bytes), 'content-md5': md5, 'content-type': 'application/octet-stream', ...(ifAbsent && {'if-none-match': '*'})};
      const response = await patient(`storing ${shortKey(key)}`, () => once('PUT', key, {headers, digest: sha256, body}), (status) => isGood(status) || (ifAbsent && (status === 412 || status === 501)), patience);
      if (response.status === 412) return {state: 'exists'};
      if (response.status === 501) return {state: 'unsupported'};
      const version = response.headers['x-amz-version-id'];
      return {state: 'stored', etag: response.headers.etag?.replaceAll('"', ''), version: Array.isArray(version) ? version[0] : version};
    },
    async list(prefix, {folders = false, limit} = {}) {
      const keys: string[] = [];
      const found: string[] = [];
      let token: string | undefined;
      do {
        const query = {
          'list-type': '2',
          prefix,
          ...(folders && {delimiter: '/'}),
          ...(limit !== undefined && {'max-keys': String(limit)}),
          ...(token !== undefined && {'continuation-token': token}),
        };
        const {body} = await patient('listing the bucket', () => once('GET', '', {query}), isGood);
        const text = body.toString('utf8');
        keys.push(...elementTexts(text, 'Contents').flatMap((contents) => elementTexts(contents, 'Key')));
        found.push(...elementTexts(text, 'CommonPrefixes').flatMap((common) => elementTexts(common, 'Prefix')));
        token = limit === undefined ? elementTexts(text, 'NextContinuationToken')[0] : undefined;
      } while (token !== undefined);
      return {keys, folders: found};
    },
    async status(method, key, query = {}) {
      const accepted = (status: number) => status < 500 && status !== 429;
      return (await patient(`asking with ${method}`, () => once(method, key, {query}), accepted)).status;
    },
    async get(key) {
      return (await patient(`reading ${shortKey(key)}`, () => once('GET', key, {}), isGood)).body;
    },
    close: () => transport.close(),
  };
}

/** Imported where it is used: commands that have nothing to sign start sooner. */
async function loadSigner({region, credentials}: S3ClientOptions): Promise<SignatureV4> {
  const module = await import('@smithy/signature-v4');
  return new module.SignatureV4({service: 's3', region, credentials: withoutUndefined(credentials), sha256: NodeSha256, uriEscapePath: false});
}

function addressOf({endpoint, bucket}: S3Location, addressing: S3ClientOptions['addressing']): {origin: URL; path: string} {
  if (addressing === 'path') return {origin: endpoint, path: `/${bucket}`};
  const origin = new URL(endpoint);
  origin.hostname = `${bucket}.${endpoint.hostname}`;
  return {origin, path: ''};
}

/** For words: the names of files are 64 digits, and the first few tell them apart. */
function shortKey(key: string): string {
  return key.split('/').slice(-2).join('/').replace(/([0-9a-f]{12})[0-9a-f]{52}/g, '$1…');
}

/** As Amazon demands it for signing: everything but letters, digits and - . _ ~ (S3 API reference, "UriEncode"). */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function withoutUndefined({accessKeyId, secretAccessKey, sessionToken}: S3Credentials) {
  return {accessKeyId, secretAccessKey, ...(sessionToken !== undefined && {sessionToken})};
}

/** Node's hashes in the shape that the signer takes. */
class NodeSha256 {
  private readonly hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.hash = createHash('sha256');
    else if (secret instanceof ArrayBuffer) this.hash = createHmac('sha256', Buffer.from(secret));
    else this.hash = createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength));
  }

  update(data: Uint8Array): void {
    this.hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    throw new Error('a hash is used once');
  }
}
