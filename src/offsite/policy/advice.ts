import type {PolicyLevel} from './types.ts';

/** Where the key for a restore belongs; said with every provider. */
export const keepReadingKeyAway =
  'Keep the reading key off the server: it opens every backup to whoever has the repository password, which the server also holds. Put it beside the password, and give it to restore --offsite through the environment for that one run.';

export const attachNothingElse = 'Attach no other policy to these users and put them into no group: permissions add up.';

/** What a level leaves open even with the right policy. */
export function levelLimits(level: PolicyLevel): string[] {
  if (level === 'read-write') return ['A key that can delete is as good as the bucket to a thief: with read-write only versioning and object lock stand between him and the backups.'];
  if (level === 'append-only') return ['A key that can read hands the encrypted repository to a thief; the repository password on the same server opens it.'];
  return [];
}
