import type {Context} from '../context.ts';
import {offsiteError} from './explain.ts';
import {askLevel} from './level.ts';
import {readState} from './state.ts';
import {connectS3, offsiteTarget} from './target.ts';

/** For doctor: whether the offsite service answers, and what the credentials can do. @throws TimetilesError */
export async function checkOffsite(context: Context): Promise<string | {warning: string}> {
  const target = offsiteTarget(context);
  if (!target) return 'no offsite copy is configured (RESTIC_OFFSITE_REPOSITORY)';
  const {last} = readState(target);
  const failed = last?.state === 'failed' ? `the last copy to ${target.shownUrl} failed: ${last.message}` : undefined;
  if (target.kind === 'other') return failed === undefined ? `${target.shownUrl}, by way of restic` : {warning: failed};
  const client = connectS3(context, target);
  try {
    const level = await askLevel(context, target, client);
    return failed === undefined ? `${target.shownUrl} answers, the credentials are ${level}` : {warning: failed};
  } catch (error) {
    context.signal.throwIfAborted();
    throw offsiteError(error, target);
  } finally {
    client.close();
  }
}
