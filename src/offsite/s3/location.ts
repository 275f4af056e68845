import {TimetilesError} from '../../shared/errors.ts';

/** Where an `s3:` repository lies. */
export interface S3Location {
  readonly endpoint: URL;
  readonly bucket: string;
  /** Without slashes at either end; empty for the whole bucket. */
  readonly prefix: string;
}

/** Reads restic's `s3:https://host/bucket/prefix`, `s3:host/bucket/prefix`, and `s3:bucket/prefix` with an endpoint of its own. */
export function parseS3Location(url: string, endpointUrl?: string): S3Location {
  const rest = url.replace(/^s3:(\/\/)?/, '');
  const [base, path] = endpointUrl === undefined || /^https?:/.test(rest) ? [undefined, rest] : [endpointUrl, rest];
  const absolute = base === undefined ? (/^https?:/.test(path) ? path : `https://${path}`) : `${base.replace(/\/+$/, '')}/${path}`;
  if (!URL.canParse(absolute)) throw new TimetilesError('configuration', 'RESTIC_OFFSITE_REPOSITORY is not an s3: URL that can be read', 'Write s3:https://HOST/BUCKET/PREFIX.');
  const endpoint = new URL(absolute);
  const [bucket = '', ...prefix] = decodeURIComponent(endpoint.pathname).split('/').filter((part) => part !== '');
  if (bucket === '') throw new TimetilesError('configuration', 'RESTIC_OFFSITE_REPOSITORY names no bucket', 'Write s3:https://HOST/BUCKET/PREFIX.');
  return {endpoint: new URL(endpoint.origin), bucket, prefix: prefix.join('/')};
}
