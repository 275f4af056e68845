import {createHash, randomBytes} from 'node:crypto';
import {S3Failure} from './s3/failure.ts';
import type {PutResult, S3Client} from './s3/client.ts';

/** What credentials could really do to an object that they had written. */
export interface Proof {
  /** The canary's key. */
  readonly key: string;
  /** Whether it could be written at all; all else is unknown when not. */
  readonly stored: boolean;
  /** Whether the service obeys `If-None-Match: *`. */
  readonly conditional: 'obeyed' | 'ignored' | 'unknown to it';
  readonly overwritten: boolean;
  /** Whether the bucket kept what was overwritten; false where it has no versions. */
  readonly versioned: boolean;
  readonly removed: boolean;
  /** Whether even an old version could be removed for good; undefined where there are none. */
  readonly versionRemoved: boolean | undefined;
}

/**
 * Writes a canary and then tries to overwrite and to delete it.
 * @param prefix where the backups go; ends with a slash unless it is empty
 * @throws S3Failure for anything but a refusal
 */
export async function proveWithCanary(client: S3Client, prefix: string): Promise<Proof> {
  const key = `${prefix}timetiles-canary-${randomBytes(8).toString('hex')}`;
  // As backups are stored; some policies let nothing else through.
  const asked = await tryPut(client, key, 'canary', true);
  const first = asked?.state === 'unsupported' ? await tryPut(client, key, 'canary', false) : asked;
  if (!first) return {key, stored: false, conditional: 'unknown to it', overwritten: false, versioned: false, removed: false, versionRemoved: undefined};
  const again = asked?.state === 'unsupported' ? asked : await tryPut(client, key, 'sheltered', true);
  const overwritten = await tryPut(client, key, 'overwritten', false);
  const version = first.state === 'stored' ? first.version : undefined;
  const removed = isDone(await client.status('DELETE', key));
  const versionRemoved = version === undefined ? undefined : isDone(await client.status('DELETE', key, {versionId: version}));
  return {
    key,
    stored: true,
    conditional: again?.state === 'unsupported' ? 'unknown to it' : again?.state === 'stored' ? 'ignored' : 'obeyed',
    overwritten: overwritten?.state === 'stored',
    versioned: version !== undefined,
    removed,
    versionRemoved,
  };
}

/** Undefined when it is refused. */
async function tryPut(client: S3Client, key: string, text: string, ifAbsent: boolean): Promise<PutResult | undefined> {
  const body = Buffer.from(`${text}\n`);
  const digest = (name: string) => createHash(name).update(body);
  try {
    return await client.put({key, bytes: body.length, sha256: digest('sha256').digest('hex'), md5: digest('md5').digest('base64'), body: () => pieces(body), ifAbsent});
  } catch (error) {
    if (error instanceof S3Failure && error.kind === 'refused') return undefined;
    throw error;
  }
}

function isDone(status: number): boolean {
  return status < 300;
}

async function* pieces(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}
