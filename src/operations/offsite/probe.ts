import {askAbilities, levelOf, type Abilities, type CredentialLevel} from '../../offsite/level.ts';
import {proveWithCanary, type Proof} from '../../offsite/prove.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {withS3} from './connect.ts';
import {updateState} from './state.ts';
import {requireOffsiteTarget} from './target.ts';

export interface ProbeReport {
  readonly url: string;
  readonly keyId: string;
  readonly level: CredentialLevel;
  readonly abilities: Abilities;
  /** Null unless it was asked for. */
  readonly proof: Proof | null;
}

/**
 * Asks what the offsite credentials can do, and remembers it.
 * @param prove also writes a canary, and tries to overwrite and to delete it
 */
export async function probeOffsite(context: Context, {prove}: {prove: boolean}): Promise<ProbeReport> {
  const target = requireOffsiteTarget(context);
  if (target.kind === 'other') {
    throw new TimetilesError('usage', `${target.shownUrl} is no s3: address: only restic speaks to it, and there is nothing to ask`, 'What a thief could do there depends on the server: rest-server --append-only, or a snapshot of the file system, protects against deletion.');
  }
  return withS3(context, target, async (client) => {
    const abilities = await askAbilities(client, target.keyPrefix);
    const level = levelOf(abilities);
    const proof = prove ? await proveWithCanary(client, target.keyPrefix) : null;
    const conditional = proof?.stored ? {conditional: proof.conditional !== 'unknown to it'} : {};
    await updateState(target, {level: {keyId: target.keyId, level, checked: context.clock.now().toISOString()}, ...conditional});
    return {url: target.shownUrl, keyId: target.keyId, level, abilities, proof};
  });
}
