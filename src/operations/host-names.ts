import {hostname} from 'node:os';
import {join} from 'node:path';
import {z} from 'zod';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';

const namesSchema = z.array(z.string());

/** Every name that this host is known to have had, the present one included: a renamed host is no other host. */
export function readHostNames(context: Pick<Context, 'stateDirectory'>): ReadonlySet<string> {
  return new Set([...readKnown(context), hostname()]);
}

/** Remembers the present name; called by whatever makes or removes sets, which a failure must not stop. */
export async function rememberHostName(context: Pick<Context, 'stateDirectory' | 'log'>): Promise<void> {
  if (readKnown(context).includes(hostname())) return;
  try {
    await writeFileAtomically(namesPath(context), `${JSON.stringify([...readHostNames(context)], undefined, 2)}\n`);
  } catch (error) {
    context.log.debug(`the name of this host was not remembered: ${messageOf(error)}`);
  }
}

/** Remembers that this host takes the place of another, whose sets are then its own. */
export async function takeOverHostName(context: Pick<Context, 'stateDirectory'>, name: string): Promise<void> {
  if (readKnown(context).includes(name)) return;
  await writeFileAtomically(namesPath(context), `${JSON.stringify([...new Set([...readHostNames(context), name])], undefined, 2)}\n`);
}

/** Losing the list only keeps more: sets of an old name are then judged as another host's. */
function readKnown(context: Pick<Context, 'stateDirectory'>): string[] {
  return namesSchema.safeParse(parseJson(readTextOrNothing(namesPath(context)))).data ?? [];
}

function namesPath({stateDirectory}: Pick<Context, 'stateDirectory'>): string {
  return join(stateDirectory, 'hosts.json');
}
