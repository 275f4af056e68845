import {repositoryExists} from '../../restic/handle.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {withRepositoryLock} from '../lock.ts';
import {askLevel} from './level.ts';
import {offsiteError} from './explain.ts';
import {sendOffsite, type OffsiteReport} from './send.ts';
import {connectS3, requireOffsiteTarget} from './target.ts';

/**
 * Begins a new epoch, a full copy, and makes it. The older ones stay as they are.
 * @throws TimetilesError `usage` where the copy is not made of epochs
 */
export async function beginNewEpoch(context: Context): Promise<OffsiteReport> {
  const target = requireOffsiteTarget(context);
  if (target.kind === 'other') throw notReplicated(target.shownUrl);
  if (!repositoryExists(context.restic)) throw new TimetilesError('repository-missing', `there is no repository at ${context.restic.repository}`, 'Make one: timetiles backup --offsite');
  const client = connectS3(context, target);
  try {
    if ((await askLevel(context, target, client)) === 'read-write') throw notReplicated(target.shownUrl);
  } catch (error) {
    context.signal.throwIfAborted();
    throw offsiteError(error, target);
  } finally {
    client.close();
  }
  return withRepositoryLock(context, 'timetiles offsite new-epoch', () => sendOffsite(context, {newRepository: false, startAnew: true}));
}

function notReplicated(url: string): TimetilesError {
  return new TimetilesError('usage', `${url} is an ordinary restic repository, which has no epochs`, 'Epochs are for credentials that cannot delete. timetiles offsite probe tells what yours can do.');
}
