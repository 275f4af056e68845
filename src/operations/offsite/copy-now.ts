import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {withRepositoryLock} from '../lock.ts';
import {requireRepository} from '../sets.ts';
import {withS3} from './connect.ts';
import {askLevel, usesEpochs} from './level.ts';
import {sendOffsite, type OffsiteReport} from './send.ts';
import {requireOffsiteTarget, type S3Target} from './target.ts';

/** Copies what the offsite side lacks, without making a set first. */
export async function copyNow(context: Context): Promise<OffsiteReport> {
  requireOffsiteTarget(context);
  return send(context, 'timetiles offsite copy', false);
}

/**
 * Begins a new epoch, a full copy, and makes it. The older ones stay as they are.
 * @throws TimetilesError `usage` where the copy is not made of epochs
 */
export async function beginNewEpoch(context: Context): Promise<OffsiteReport> {
  const target = requireOffsiteTarget(context);
  if (target.kind === 'other' || !(await hasEpochs(context, target))) {
    throw new TimetilesError('usage', `${target.shownUrl} is an ordinary restic repository, which has no epochs`, 'Epochs are for credentials that cannot delete. timetiles offsite probe tells what yours can do.');
  }
  return send(context, 'timetiles offsite new-epoch', true);
}

function send(context: Context, command: string, startAnew: boolean): Promise<OffsiteReport> {
  requireRepository(context);
  return withRepositoryLock(context, command, () => sendOffsite(context, {newRepository: false, startAnew}));
}

async function hasEpochs(context: Context, target: S3Target): Promise<boolean> {
  return withS3(context, target, async (client) => {
    return usesEpochs(context, await askLevel(context, target, client));
  });
}
