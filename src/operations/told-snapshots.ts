import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {z} from 'zod';
import {snapshotSchema, type Snapshot} from '../restic/messages.ts';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';
import {repositoryStateName} from './set-names.ts';

type StateContext = Pick<Context, 'stateDirectory' | 'restic' | 'log'>;

const toldSchema = z.object({
  format: z.literal(1),
  snapshots: z.array(snapshotSchema),
  /** Ids of those that are none of this tool's. */
  foreign: z.array(z.string()),
});

/**
 * What restic has told of some snapshots before; those that are none of this tool's are left out. A snapshot never changes: its id is the
 * digest of what it says.
 * @returns undefined where it has not told of every one of them
 */
export function readToldSnapshots(context: StateContext, ids: ReadonlySet<string>): Snapshot[] | undefined {
  const {data} = toldSchema.safeParse(parseJson(readTextOrNothing(pathOf(context))));
  if (!data) return undefined;
  const told = new Set([...data.foreign, ...data.snapshots.map(({id}) => id)]);
  return [...ids].every((id) => told.has(id)) ? data.snapshots.filter(({id}) => ids.has(id)) : undefined;
}

/**
 * Keeps what restic has told, for the next time. A host that cannot only asks again.
 * @param ids those that were there before it was asked
 * @param told all that it has told of
 */
export async function rememberToldSnapshots(context: StateContext, ids: ReadonlySet<string>, told: readonly Snapshot[]): Promise<void> {
  const snapshots = told.filter(({id}) => ids.has(id));
  const known = new Set(snapshots.map(({id}) => id));
  const foreign = [...ids].filter((id) => !known.has(id));
  try {
    mkdirSync(context.stateDirectory, {recursive: true, mode: 0o700});
    await writeFileAtomically(pathOf(context), JSON.stringify({format: 1, snapshots, foreign} satisfies z.output<typeof toldSchema>));
  } catch (error) {
    context.log.debug(`what restic told of snapshots was not kept: ${messageOf(error)}`);
  }
}

function pathOf({stateDirectory, restic}: StateContext): string {
  return join(stateDirectory, repositoryStateName('snapshots', restic.repository));
}
