import {z} from 'zod';
import {holderOfFileLock} from '../process/file-lock.ts';
import {TimetilesError} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import type {Context} from './context.ts';
import {readJournal, type Journal} from './journal.ts';
import {repositoryLockPath, stackLockPath} from './lock.ts';

/** A restore, an undo or a recovery that has ended before its time, and what is to be done about it. */
export interface UnfinishedRestore {
  readonly message: string;
  readonly next: string;
}

interface Place extends Pick<Context, 'stateDirectory'> {
  readonly restic: Pick<Context['restic'], 'repository'>;
}

const holderSchema = z.object({since: z.string()});

/** Looks for a restore that was killed; one that is at work is none. Changes nothing, and waits for nobody. */
export async function findUnfinishedRestore(context: Place): Promise<UnfinishedRestore | undefined> {
  try {
    const journal = readJournal(context);
    if (!journal || (await isAtWork(context, journal))) return undefined;
    // It may have ended since.
    return readJournal(context)?.id === journal.id ? describeUnfinished(journal) : undefined;
  } catch (error) {
    if (error instanceof TimetilesError && error.kind === 'restore') return {message: error.message, next: error.next};
    throw error;
  }
}

/** Whoever took a lock before the journal was begun and still holds it is the restore; later ones only come upon what it left. */
async function isAtWork(context: Place, {begun}: Journal): Promise<boolean> {
  for (const path of [repositoryLockPath(context.restic.repository), stackLockPath(context)]) {
    const holder = await holderOfFileLock(path);
    if (holder === undefined) continue;
    const since = holderSchema.safeParse(parseJson(holder)).data?.since;
    if (since === undefined || since <= begun) return true;
  }
  return false;
}

/** Pure. */
function describeUnfinished({phase, set, begun, stopped, stack}: Journal): UnfinishedRestore {
  const what = phase === 'undoing' ? `the undo of the restore of set ${set}` : `${stack ? 'the recovery (timetiles dr)' : 'the restore'} of set ${set}`;
  const states = {
    staging: 'the live data is as it was before',
    swapping: 'database and uploads may be of different moments until it is finished',
    reverting: 'database and uploads may be of different moments until it is undone',
    settled: 'the restored data is in place, and what was live before has not been put aside yet',
    undoing: 'database and uploads may be of different moments until it is finished',
  };
  const names = stopped.map(({name}) => name).join(', ');
  const app = names === '' || phase === 'settled' ? '' : `; it may have left these stopped: ${names}`;
  const does = phase === 'staging' || phase === 'reverting' ? 'Undo it and start the app' : 'Finish it and start the app';
  return {message: `${what}, begun ${begun}, was interrupted: ${states[phase]}${app}`, next: `${phase === 'settled' ? 'Finish it' : does}: timetiles doctor`};
}
