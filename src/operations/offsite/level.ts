import {askAbilities, levelOf, type CredentialLevel} from '../../offsite/level.ts';
import type {S3Client} from '../../offsite/s3/client.ts';
import type {Context} from '../context.ts';
import {readState, updateState} from './state.ts';
import type {S3Target} from './target.ts';

export interface KnownLevel {
  readonly level: CredentialLevel;
  /** Whether this run asked the service; else an earlier one did. */
  readonly fresh: boolean;
}

/**
 * What the credentials can do: as an earlier run found out for the same key, else by asking the service. `read-write` is
 * never taken on trust: restic goes on for minutes with rights that it has no more, and says nothing that tells why.
 */
export async function credentialLevel(context: Context, target: S3Target, client: S3Client): Promise<KnownLevel> {
  const {level: known} = readState(target);
  if (known?.keyId === target.keyId && known.level !== 'read-write') return {level: known.level, fresh: false};
  return {level: await askLevel(context, target, client), fresh: true};
}

/** Asks the service, and remembers an answer that is news; tells when an earlier one was another. Who only looks so changes nothing. */
export async function askLevel(context: Context, target: S3Target, client: S3Client): Promise<CredentialLevel> {
  const level = levelOf(await askAbilities(client, target.keyPrefix));
  const {level: known} = readState(target);
  const isSameKey = known?.keyId === target.keyId;
  if (isSameKey && known.level === level) return level;
  if (isSameKey) context.log.warn(`the offsite credentials are ${level} now; they were ${known.level} before`);
  await updateState(target, {level: {keyId: target.keyId, level, checked: context.clock.now().toISOString()}});
  return level;
}

/**
 * Whether the tool itself replicates into epochs; else restic copies. A bucket that expires objects by age would take
 * restic's own repository apart, so there epochs are the only way.
 */
export function usesEpochs(context: Context, level: CredentialLevel): boolean {
  return level !== 'read-write' || context.settings.OFFSITE_EXPIRE_DAYS > 0;
}
