import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {syncDirectory, writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {readTextIfThere} from '../shared/read-text.ts';
import {sourceByName} from '../sources/registry.ts';
import {stackSettingsSchema, type Source} from '../sources/source.ts';
import type {Context} from './context.ts';

/**
 * What a restore has begun, on disk before it is done, so that the next command can finish or undo it.
 * `staging`: live data is untouched; undo. `swapping`: the new data is checked and takes its place; finish.
 * `reverting`: the swap failed; undo. `settled`: the new data is in place and the app runs; keep or remove the old data.
 * `undoing`: the operator takes a finished restore back; finish that.
 */
const journalSchema = z.object({
  id: z.string(),
  set: z.string(),
  begun: z.string(),
  phase: z.enum(['staging', 'swapping', 'reverting', 'settled', 'undoing']),
  entries: z.array(z.object({source: z.string(), entry: z.record(z.string(), z.unknown())})),
  /** Containers that ran before and were or may have been stopped: id and name. */
  stopped: z.array(z.object({id: z.string(), name: z.string()})),
  /** Of `timetiles dr`: where the stack is, as far as the configuration does not say. Its lock is `lockStack`. */
  stack: stackSettingsSchema.optional(),
  /** The set of the state before, if one was made. */
  safetySet: z.string().nullable().default(null),
  /** How long the old data is kept: until that time, ISO 8601; null: until the next backup; absent: not at all. */
  keepUntil: z.string().nullable().optional(),
});
export type Journal = z.output<typeof journalSchema>;

/** Writes the journal; returns when it is on the disk. */
export async function writeJournal(context: Context, journal: Journal): Promise<void> {
  await writeFileAtomically(journalPath(context), JSON.stringify(journal, undefined, 2));
}

/** @throws TimetilesError when there is one that cannot be read */
export function readJournal(context: Pick<Context, 'stateDirectory'>): Journal | undefined {
  const path = journalPath(context);
  try {
    const text = readTextIfThere(path);
    return text === undefined ? undefined : journalSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TimetilesError(
      'restore',
      `the journal of an interrupted restore cannot be read: ${path}${systemCode(error) === undefined ? '' : ` (${messageOf(error)})`}`,
      `Whether database and uploads belong together, only a look at them tells. What the restore left beside them: timetiles doctor. Put that right by hand, then remove the file (mv ${shellWord(path)} /root/), and restore a set if in doubt.`,
      {cause: error},
    );
  }
}

/**
 * Whether an unfinished restore may have left new data in one place and old data in another.
 * Before the swap nothing live has been touched; after it all of it is new.
 */
export function mayBeMixed(context: Pick<Context, 'stateDirectory'>): boolean {
  try {
    const phase = readJournal(context)?.phase;
    return phase !== undefined && phase !== 'staging' && phase !== 'settled';
  } catch {
    return true;
  }
}

export async function removeJournal(context: Context): Promise<void> {
  await rm(journalPath(context), {force: true});
  await syncDirectory(context.stateDirectory);
}

/** The source that an entry is about. */
export function sourceOf(name: string): Source {
  const source = sourceByName(name);
  if (source) return source;
  throw new TimetilesError('restore', `the journal of a restore names the unknown source ${name}`, 'Run the version of timetiles that began the restore.');
}

function journalPath(context: Pick<Context, 'stateDirectory'>): string {
  return join(context.stateDirectory, 'restore-journal.json');
}
