import {randomBytes} from 'node:crypto';
import {s3Request, type S3Answer, type S3Key, type S3Request} from './s3-request.ts';

/** What a key may do: everything, add and read, add alone, or read alone. */
export type KeyKind = 'full' | 'append' | 'put' | 'read';

/** An object as it is listed. */
interface StoredObject {
  key: string;
  bytes: number;
  etag: string;
}

/** A version of an object as it is listed. */
interface StoredVersion {
  key: string;
  versionId: string;
  isDeleteMarker: boolean;
}

/** A bucket. What it does is done by its owner, whom no policy limits; `request` takes any key. */
export interface Bucket {
  name: string;
  keys: Record<KeyKind, S3Key>;
  list(prefix?: string): Promise<StoredObject[]>;
  /** Every version there is; in a bucket without versions each object has one, named `null`. */
  versions(prefix?: string): Promise<StoredVersion[]>;
  /** Fails when there is no such object. */
  get(key: string, versionId?: string): Promise<Buffer>;
  put(key: string, body: string | Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
  /** Gives keys what the name of another says, from now on; those that are not named get their own. */
  setPolicy(changes: Partial<Record<KeyKind, KeyKind>>): Promise<void>;
  /** One request about an object, or about the bucket when the object is empty, whatever comes of it. */
  request(key: S3Key, method: string, object: string, more?: Omit<S3Request, 'method' | 'path'>): Promise<S3Answer>;
}

/** Makes an empty bucket that gives each key what its name says. */
export async function makeBucket(
  endpoint: string,
  owner: S3Key,
  keys: Record<KeyKind, S3Key>,
  versioned: boolean,
): Promise<Bucket> {
  const name = `bench-${randomBytes(4).toString('hex')}`;
  const request: Bucket['request'] = (key, method, object, more = {}) =>
    s3Request(endpoint, key, {method, path: object === '' ? `/${name}` : `/${name}/${object}`, ...more});
  const asOwner = async (method: string, object: string, more: Parameters<Bucket['request']>[3] = {}) => {
    const answer = await request(owner, method, object, more);
    if (answer.status < 300) return answer;
    throw new Error(`${method} /${name}/${object} was answered with ${answer.status}: ${answer.body.toString()}`);
  };
  await asOwner('PUT', '');
  const setPolicy: Bucket['setPolicy'] = async (changes) => void (await asOwner('PUT', '', {query: {policy: ''}, body: policyOf(name, changes)}));
  await setPolicy({});
  if (versioned) {
    const body = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
    await asOwner('PUT', '', {query: {versioning: ''}, body});
  }
  return {
    name, keys, request, setPolicy,
    list: (prefix = '') => listAll(asOwner, {'list-type': '2', prefix}, readObjects),
    versions: (prefix = '') => listAll(asOwner, {versions: '', prefix}, readVersions),
    get: async (key, versionId) => (await asOwner('GET', key, {query: versionId ? {versionId} : {}})).body,
    put: async (key, body) => void (await asOwner('PUT', key, {body})),
    remove: async (key) => void (await asOwner('DELETE', key)),
  };
}

type AsOwner = (method: string, object: string, more?: Omit<S3Request, 'method' | 'path'>) => Promise<S3Answer>;

async function listAll<T>(
  asOwner: AsOwner,
  query: Record<string, string>,
  read: (text: string) => T[],
): Promise<T[]> {
  const all: T[] = [];
  let next: Record<string, string> | undefined = {};
  while (next) {
    const text: string = (await asOwner('GET', '', {query: {...query, ...next}})).body.toString();
    all.push(...read(text));
    next = nextPage(text);
  }
  return all;
}

function nextPage(text: string): Record<string, string> | undefined {
  if (textOf(text, 'IsTruncated') !== 'true') return undefined;
  const token = textOf(text, 'NextContinuationToken');
  if (token !== '') return {'continuation-token': token};
  return {'key-marker': textOf(text, 'NextKeyMarker'), 'version-id-marker': textOf(text, 'NextVersionIdMarker')};
}

function readObjects(text: string): StoredObject[] {
  return [...text.matchAll(/<Contents>(.*?)<\/Contents>/gs)].map(([, part = '']) => ({
    key: textOf(part, 'Key'),
    bytes: Number(textOf(part, 'Size')),
    etag: textOf(part, 'ETag').replaceAll('"', ''),
  }));
}

function readVersions(text: string): StoredVersion[] {
  return [...text.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(([, kind, part = '']) => ({
    key: textOf(part, 'Key'),
    versionId: textOf(part, 'VersionId'),
    isDeleteMarker: kind === 'DeleteMarker',
  }));
}

function textOf(text: string, name: string): string {
  const found = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(text)?.[1] ?? '';
  return found
    .replaceAll(/&#(x?)([0-9a-f]+);/gi, (_, hex: string, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, hex ? 16 : 10)),
    )
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}

const removing = ['s3:DeleteObject', 's3:DeleteObjectVersion'];
const reading = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectAcl', 's3:ListBucket', 's3:ListBucketVersions'];
const sharing = ['s3:PutObjectAcl', 's3:PutObjectVersionAcl'];

/**
 * Whoever uploads an object owns it, and may do anything with it that is not denied; even the bucket's owner may do
 * nothing with it that is not allowed.
 */
function policyOf(bucket: string, changes: Partial<Record<KeyKind, KeyKind>>): string {
  const rules: Record<KeyKind | 'owner', {allow: string[]; deny: string[]}> = {
    owner: {allow: ['s3:*'], deny: []},
    full: {allow: ['s3:*'], deny: []},
    append: {allow: ['s3:PutObject', 's3:GetObject', 's3:ListBucket'], deny: [...removing, ...sharing]},
    put: {allow: ['s3:PutObject'], deny: [...reading, ...removing, ...sharing]},
    read: {allow: ['s3:GetObject', 's3:ListBucket'], deny: ['s3:PutObject', ...removing, ...sharing]},
  };
  const granted = {...rules, ...Object.fromEntries(Object.entries(changes).map(([user, as]) => [user, rules[as]]))};
  const statements = Object.entries(granted).flatMap(([user, {allow, deny}]) => {
    const common = {
      Principal: {AWS: [`arn:aws:iam:::user/${user}`]},
      Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    };
    const allowed = {Effect: 'Allow', Action: allow, ...common};
    return deny.length > 0 ? [allowed, {Effect: 'Deny', Action: deny, ...common}] : [allowed];
  });
  return JSON.stringify({Version: '2012-10-17', Statement: statements});
}
