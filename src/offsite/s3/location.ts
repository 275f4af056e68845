import {TimetilesError} from '../../shared/errors.ts';

/** Where in an S3 service the backups go. */
export interface S3Location {
  /** Scheme, host and port of the service; never with a path. */
  readonly endpoint: URL;
  readonly bucket: string;
  /** The beginning of every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
}

/** Whether a restic URL names an S3 service. */
export function isS3(url: string): boolean {
  return url.startsWith('s3:');
}

/**
 * Reads an `s3:` URL the way restic does: `s3:https://host[:port]/bucket/prefix`, `s3://host/bucket` or `s3:host/bucket`.
 * With `endpointUrl` (AWS_ENDPOINT_URL) the URL may leave the host out: `s3:bucket/prefix`. A first part with a dot or
 * a colon is a host all the same. After a scheme, restic takes %XX for the byte that it stands for; elsewhere it does not.
 * @throws TimetilesError `configuration`
 */
export function parseS3Location(url: string, endpointUrl?: string): S3Location {
  const rest = url.slice('s3:'.length);
  const [, origin, path = ''] = /^(https?:\/\/[^/]*)(.*)$/.exec(rest) ?? [];
  if (origin !== undefined) return fromParts(origin, decoded(path));
  const [first = '', ...others] = rest.replace(/^\/\//, '').split('/');
  const namesHost = endpointUrl === undefined || /[.:]/.test(first) || first === 'localhost';
  if (namesHost) return fromParts(`https://${first}`, others.join('/'));
  return fromParts(endpointUrl, [first, ...others].join('/'));
}

function fromParts(endpointText: string, path: string): S3Location {
  if (!URL.canParse(endpointText)) throw invalid('it has no host', 'Write it as s3:https://HOST/BUCKET/PREFIX, or set AWS_ENDPOINT_URL.');
  const endpoint = new URL(endpointText);
  if (endpoint.username !== '' || endpoint.password !== '') throw invalid('it holds a login', 'Put the keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.');
  if (!['', '/'].includes(endpoint.pathname) || endpoint.search !== '') throw invalid('AWS_ENDPOINT_URL has a path', 'Write the address of the service alone, such as https://s3.example.org');
  const [bucket = '', ...rest] = path.split('/').filter((part) => part !== '');
  // The rules of S3 for bucket names, and the underscores and capitals of buckets made long ago.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) throw invalid(bucket === '' ? 'it names no bucket' : `${bucket} is no name of a bucket`, 'Write it as s3:https://HOST/BUCKET/PREFIX.');
  if (rest.some((part) => part === '.' || part === '..')) throw invalid('its prefix holds . or ..', 'Write the prefix without them.');
  return {endpoint: new URL(endpoint.origin), bucket, prefix: rest.join('/')};
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw invalid('it holds a % that begins no %XX', 'Write a % in the prefix as %25.');
  }
}

function invalid(what: string, next: string): TimetilesError {
  return new TimetilesError('configuration', `RESTIC_OFFSITE_REPOSITORY is no S3 address: ${what}`, next);
}

/** The same place as restic takes it, with `path` below the prefix. */
export function resticUrl(location: S3Location, path = ''): string {
  const whole = [location.bucket, location.prefix, path].filter((part) => part !== '').join('/');
  return `s3:${location.endpoint.origin}/${encodeURI(whole).replace(/[?#]/g, encodeURIComponent)}`;
}

/**
 * The region to sign for where none is configured. Amazon, Wasabi, Backblaze and others name it in the host; R2 calls it
 * `auto`; everybody else takes Amazon's first.
 */
export function regionOf(endpoint: URL): string {
  const host = endpoint.hostname;
  if (host.endsWith('.r2.cloudflarestorage.com')) return 'auto';
  return /(?:^|\.)s3[.-]([a-z]{2}(?:-[a-z]+)+-\d+)\./.exec(host)?.[1] ?? 'us-east-1';
}
