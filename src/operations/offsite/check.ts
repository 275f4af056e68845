import type {Context} from '../context.ts';
import {withS3} from './connect.ts';
import {askLevel} from './level.ts';
import {readState} from './state.ts';
import {offsiteTarget} from './target.ts';

/** For doctor: whether the offsite service answers, and what the credentials can do. @throws TimetilesError */
export async function checkOffsite(context: Context): Promise<string | {warning: string}> {
  const target = offsiteTarget(context);
  if (!target) return 'no offsite copy is configured (RESTIC_OFFSITE_REPOSITORY)';
  const {last} = readState(target);
  const failed = last?.state === 'failed' ? `the last copy to ${target.shownUrl} failed: ${last.message}` : undefined;
  if (target.kind === 'other') return failed === undefined ? `${target.shownUrl}, by way of restic` : {warning: failed};
  return withS3(context, target, async (client) => {
    const level = await askLevel(context, target, client);
    return failed === undefined ? `${target.shownUrl} answers, the credentials are ${level}` : {warning: failed};
  });
}
