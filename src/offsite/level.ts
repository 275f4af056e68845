import {S3Failure} from './s3/failure.ts';
import type {S3Client} from './s3/client.ts';

/** `read-write`: may delete as well; `append-only`: may read and write; `write-only`: PutObject alone. */
export type CredentialLevel = 'read-write' | 'append-only' | 'write-only';

/** What credentials may do besides storing, which is only known by doing it. */
export interface Abilities {
  readonly list: boolean;
  readonly read: boolean;
  readonly remove: boolean;
}

/** No backup ever has this name. */
const probeName = 'timetiles-probe';

/**
 * Asks the service: LIST, HEAD and DELETE of a key that does not exist. Where the service hides whether something is
 * there from those who may not list, it answers 403; who may read gets a 404.
 * @param prefix where the backups go; ends with a slash unless it is empty
 * @throws S3Failure when the credentials themselves, the bucket or the region are wrong
 */
export async function askAbilities(client: S3Client, prefix: string): Promise<Abilities> {
  const list = await mayList(client, prefix);
  const read = isGranted(await client.status('HEAD', `${prefix}${probeName}`));
  const remove = isGranted(await client.status('DELETE', `${prefix}${probeName}`));
  return {list, read, remove};
}

async function mayList(client: S3Client, prefix: string): Promise<boolean> {
  try {
    await client.list(prefix, {folders: true, limit: 1});
    return true;
  } catch (error) {
    // A wrong key is refused everything too, and that is no level.
    if (error instanceof S3Failure && error.kind === 'refused' && !isAboutCredentials(error)) return false;
    throw error;
  }
}

function isGranted(status: number): boolean {
  return status < 400 || status === 404;
}

/** S3's words for credentials that are wrong in themselves, other than for what they may do. */
const credentialCodes = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'RequestTimeTooSkewed', 'InvalidSecurity', 'AccountProblem'];

/** Whether a refusal says that the credentials, or the clock that signs with them, are wrong. */
export function isAboutCredentials(failure: S3Failure): boolean {
  return credentialCodes.includes(failure.code);
}

/** restic needs all of it; without delete, or without reading, the tool does the copying itself. */
export function levelOf({list, read, remove}: Abilities): CredentialLevel {
  if (!list || !read) return 'write-only';
  return remove ? 'read-write' : 'append-only';
}
