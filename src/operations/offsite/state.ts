import {join} from 'node:path';
import {z} from 'zod';
import {writeFileAtomically} from '../../shared/atomic-file.ts';
import {parseJson} from '../../shared/parse-json.ts';
import {readTextOrNothing} from '../../shared/read-text.ts';
import type {OffsiteTarget} from './target.ts';

const levelSchema = z.enum(['read-write', 'append-only', 'write-only']);

/** What this host remembers of one target; losing it costs a few requests, and the lag is not known until the next copy. */
const stateSchema = z.object({
  url: z.string(),
  /** What the credentials could do when they were last asked, and whose they were. */
  level: z.object({keyId: z.string(), level: levelSchema, checked: z.string()}).optional(),
  /** Whether the service knows `If-None-Match`; absent until it has told. */
  conditional: z.boolean().optional(),
  /** Since when restic has a repository of its own there; absent where only epochs were made. */
  repository: z.string().optional(),
  /** The newest complete set that was copied there. */
  newest: z.object({set: z.string(), copied: z.string()}).optional(),
  /** The sets there that this host made, as far as it pruned: what others added is none of them. */
  ownSets: z.array(z.string()).optional(),
  last: z.object({state: z.enum(['done', 'failed']), time: z.string(), message: z.string()}).optional(),
});
export type OffsiteState = z.output<typeof stateSchema>;

export function readState(target: OffsiteTarget): OffsiteState {
  return stateSchema.safeParse(parseJson(readTextOrNothing(statePath(target)))).data ?? {url: target.shownUrl};
}

/** Changes what is given and keeps the rest. */
export async function updateState(target: OffsiteTarget, change: Partial<OffsiteState>): Promise<void> {
  const state = {...readState(target), ...change};
  await writeFileAtomically(statePath(target), `${JSON.stringify(state, undefined, 2)}\n`);
}

function statePath(target: OffsiteTarget): string {
  return join(target.stateDirectory, 'state.json');
}
