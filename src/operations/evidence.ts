import {join} from 'node:path';
import {z} from 'zod';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Place} from './alert-keys.ts';
import type {Context} from './context.ts';

const evidenceSchema = z.object({
  set: z.string(),
  /** When the restore test ended, ISO 8601. */
  time: z.string(),
  state: z.enum(['passed', 'failed']),
  /** Which copy of the set was restored. */
  from: z.enum(['local', 'offsite']),
  /** The repository, without a password. */
  repository: z.string(),
  /** Null for a set without a database. */
  image: z.object({name: z.string(), id: z.string(), otherThanMade: z.string().nullable()}).nullable(),
  /** The version of timetiles that made the test. */
  tool: z.string(),
  seconds: z.number(),
  /** How many checks came to what. */
  checks: z.object({passed: z.number(), failed: z.number(), skipped: z.number()}),
  /** What failed, a line each. */
  problems: z.array(z.string()),
});
/** That a set was restored, or could not be: the result of its last restore test. */
export type Evidence = z.output<typeof evidenceSchema>;

/** More sets than any retention keeps; those of a copy that nobody can prune from here would pile up. */
const evidenceToKeep = 1000;

/** What this host knows of restore tests, newest first; nothing when that was lost. */
export function readEvidence(context: Pick<Context, 'stateDirectory'>): Evidence[] {
  return z.array(evidenceSchema).safeParse(parseJson(readTextOrNothing(pathOf(context)))).data ?? [];
}

/** Keeps the result of a test in the place of an earlier one of the same copy of the set. */
export async function recordEvidence(context: Pick<Context, 'stateDirectory' | 'log'>, evidence: Evidence): Promise<void> {
  const others = readEvidence(context).filter(({set, from}) => set !== evidence.set || from !== evidence.from);
  await write(context, [evidence, ...others]);
}

/** Forgets the sets that a prune removed. */
export async function dropEvidence(context: Pick<Context, 'stateDirectory' | 'log'>, from: Place, removed: readonly string[]): Promise<void> {
  const all = readEvidence(context);
  const kept = all.filter((evidence) => evidence.from !== from || !removed.includes(evidence.set));
  if (kept.length < all.length) await write(context, kept);
}

/** The evidence of each set, by its id, from tests of one copy. */
export function evidenceBySet(context: Pick<Context, 'stateDirectory'>, from: Place): Map<string, Evidence> {
  return new Map(readEvidence(context).filter((evidence) => evidence.from === from).map((evidence) => [evidence.set, evidence]));
}

/** A full disk must not turn the result of a test into an error. */
async function write(context: Pick<Context, 'stateDirectory' | 'log'>, evidence: readonly Evidence[]): Promise<void> {
  try {
    await writeFileAtomically(pathOf(context), `${JSON.stringify(evidence.slice(0, evidenceToKeep), undefined, 2)}\n`);
  } catch (error) {
    context.log.warn(`the results of restore tests cannot be kept: ${messageOf(error)}`);
  }
}

function pathOf({stateDirectory}: Pick<Context, 'stateDirectory'>): string {
  return join(stateDirectory, 'restore-tests.json');
}
