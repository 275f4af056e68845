import {rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {syncDirectory, writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatBytes, plural, shellWord} from '../shared/format.ts';
import {readTextIfThere} from '../shared/read-text.ts';
import type {KeptData} from '../sources/leftover.ts';
import type {Context} from './context.ts';
import {sourceOf, type Journal} from './journal.ts';
import type {BackupReport} from './make-set.ts';

/** Why data is not kept although it should be. */
const cannotStay = 'there was none, or the uploads are a mount point: the app would see it, and backups would store it';

const entrySchema = z.object({source: z.string(), entry: z.record(z.string(), z.unknown())});

/** The state before the last restore: where it lies, how long, and how else to get it back. */
const previousSchema = z.object({
  /** The restore's id, which is in every temporary name. */
  id: z.string(),
  /** The set that was restored. */
  set: z.string(),
  /** When, ISO 8601. */
  time: z.string(),
  entries: z.array(entrySchema),
  /** Containers that the restore had stopped. */
  stopped: z.array(z.object({id: z.string(), name: z.string()})),
  /** The set that was made of the state before, if one was. */
  safetySet: z.string().nullable(),
  /** Whether the data itself is still there; else the safety set is the way back. */
  kept: z.boolean(),
  /** Why the data is not kept, in words; null where it is, or nobody wanted it. */
  reason: z.string().nullable().default(null),
  /** What the data takes of the disk. */
  bytes: z.number(),
  /** How much each source kept, in the order of the entries; records of earlier versions lack it. */
  items: z.array(z.number()).default([]),
  /** What earlier restores kept and could not be removed yet. */
  undropped: z.array(entrySchema).default([]),
  /** When it goes, ISO 8601; null: with the next backup. */
  until: z.string().nullable(),
});
export type Previous = z.output<typeof previousSchema>;

/** @throws TimetilesError when there is a record that cannot be read */
export function readPrevious(context: Pick<Context, 'stateDirectory'>): Previous | undefined {
  const path = recordPath(context);
  try {
    const text = readTextIfThere(path);
    return text === undefined ? undefined : previousSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new TimetilesError('restore', `the record of the state before the last restore cannot be read: ${path}`, `The safety set of that restore is in timetiles backup list. What it kept: timetiles doctor. Then remove the file: mv ${shellWord(path)} /root/`, {cause: error});
  }
}

/**
 * Keeps or removes the data from before a restore, and writes down which. What an earlier restore kept goes first: only one
 * state is kept. May be called again after any interruption, as long as the journal is there.
 */
export async function putAside(context: Context, journal: Journal): Promise<Previous> {
  const known = await readOrSetAside(context);
  if (known?.id === journal.id) return known;
  const data = journal.keepUntil === undefined ? undefined : await inspectAll(context, journal);
  const old = known ? [...known.undropped, ...(known.kept ? known.entries : [])] : [];
  const undropped = await removeWhatCanBe(context, [...old, ...(data ? [] : journal.entries)]);
  const record: Previous = {
    id: journal.id,
    set: journal.set,
    time: context.clock.now().toISOString(),
    entries: journal.entries,
    stopped: journal.stopped,
    safetySet: journal.safetySet,
    kept: data !== undefined,
    reason: data === undefined && journal.keepUntil !== undefined ? cannotStay : null,
    bytes: (data ?? []).reduce((sum, {bytes}) => sum + bytes, 0),
    items: (data ?? []).map(({items}) => items.count),
    undropped,
    until: journal.keepUntil ?? null,
  };
  await writeRecord(context, record);
  return record;
}

/** A record that cannot be read must not keep the next one from being written; what it spoke of is then found by its name. */
async function readOrSetAside(context: Context): Promise<Previous | undefined> {
  try {
    return readPrevious(context);
  } catch (error) {
    const aside = `${recordPath(context)}.damaged`;
    await rename(recordPath(context), aside);
    context.log.warn(`${messageOf(error)}. It is now ${aside}; timetiles doctor names what an earlier restore kept`);
    return undefined;
  }
}

/** The kept data of every source; undefined unless all of it is there. */
export async function inspectAll(context: Context, {entries}: Pick<Previous, 'entries'>): Promise<KeptData[] | undefined> {
  const all: KeptData[] = [];
  for (const {source, entry} of entries) {
    const data = await sourceOf(source).inspectKept(context, entry);
    if (!data) return undefined;
    all.push(data);
  }
  return all;
}

/**
 * Why what a restore kept cannot be brought back, a line each: it is damaged, or less than was kept. Pure.
 */
export function problemsOfKept({items}: Pick<Previous, 'items'>, data: readonly KeptData[]): string[] {
  return data.flatMap(({description, problem, items: {count, noun}}, index) => {
    if (problem !== undefined) return [`${description}: ${problem}`];
    const before = items[index];
    return before !== undefined && count < before ? [`${description}: it has only ${count} of the ${plural(before, noun)} that were kept`] : [];
  });
}

/** A disk that is too small for a restore may be so because of what an earlier one kept. */
export function suggestFreeingSpace(context: Pick<Context, 'stateDirectory'>, error: unknown): unknown {
  if (!(error instanceof TimetilesError) || !(error.kind === 'no-room' || error.kind === 'repository-full')) return error;
  const record = whatIsKept(context);
  if (!record?.kept) return error;
  const {kind, message, next, room, sqlstate} = error;
  return new TimetilesError(kind, message, `${next.replace(/\.$/, '')}. The state before the restore of set ${record.set} is kept and takes ${formatBytes(record.bytes)}; to remove it: timetiles restore --drop-previous`, {cause: error, room, sqlstate});
}

/** The same for what can do without: undefined also where the record cannot be read. */
export function whatIsKept(context: Pick<Context, 'stateDirectory'>): Previous | undefined {
  try {
    return readPrevious(context);
  } catch {
    return undefined;
  }
}

/**
 * Removes what a restore kept; the record stays, with the safety set in it. Call it under the repository's lock.
 * @returns what was removed, or undefined when nothing was kept
 */
export async function dropPrevious(context: Context): Promise<Previous | undefined> {
  const record = readPrevious(context);
  if (!record?.kept) return undefined;
  await removeData(context, record);
  await writeRecord(context, {...record, kept: false});
  return record;
}

/** Forgets the state before the last restore altogether: it is the live one again. */
export async function forgetPrevious(context: Context): Promise<void> {
  await rm(recordPath(context), {force: true});
  await syncDirectory(context.stateDirectory);
}

/** After an ordinary backup that holds whatever the restore replaced: removes what was kept until then. Never fails it. */
export async function dropPreviousAfterBackup(context: Context, report: BackupReport): Promise<void> {
  await quietly(context, async (record) => {
    const covers = record.entries.every(({source}) => report.records.some((stored) => stored.source === source));
    if (!record.kept || record.until !== null || !covers || report.state !== 'complete') return;
    if (report.suspicions.length > 0) {
      context.log.info(`the state before the restore of set ${record.set} stays, since this set is suspicious`);
      return;
    }
    await drop(context, record, `set ${report.set} is stored`);
  });
}

/** Removes what was kept for a time that is over. Never fails what it is called from. */
export async function dropExpiredPrevious(context: Context): Promise<void> {
  await quietly(context, () => dropUndropped(context));
  await quietly(context, async (record) => {
    if (record.kept && record.until !== null && new Date(record.until) <= context.clock.now()) await drop(context, record, 'its time is over');
  });
}

async function drop(context: Context, record: Previous, why: string): Promise<void> {
  await dropPrevious(context);
  context.log.info(`removed the state before the restore of set ${record.set} (${formatBytes(record.bytes)}): ${why}`);
}

async function quietly(context: Context, work: (record: Previous) => Promise<void>): Promise<void> {
  try {
    const record = readPrevious(context);
    if (record) await work(record);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn(`the state before the last restore could not be removed: ${messageOf(error)}. The next command tries again`);
  }
}

/** Tries again to remove what an earlier command could not. Never fails what it is called from. */
async function dropUndropped(context: Context): Promise<void> {
  const record = readPrevious(context);
  if (!record || record.undropped.length === 0) return;
  const undropped = await removeWhatCanBe(context, record.undropped);
  if (undropped.length < record.undropped.length) await writeRecord(context, {...record, undropped});
}

/** What others still hold is told, and left for the next command. @returns that */
async function removeWhatCanBe(context: Context, entries: Previous['entries']): Promise<Previous['entries']> {
  const left: Previous['entries'] = [];
  for (const kept of entries) {
    try {
      await sourceOf(kept.source).finish(context, kept.entry);
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn(`what an earlier restore kept of ${kept.source} could not be removed: ${messageOf(error)}. The next command tries again`);
      left.push(kept);
    }
  }
  return left;
}

async function removeData(context: Context, {entries}: Pick<Previous, 'entries'>): Promise<void> {
  for (const {source, entry} of entries) await sourceOf(source).finish(context, entry);
}

async function writeRecord(context: Context, record: Previous): Promise<void> {
  await writeFileAtomically(recordPath(context), JSON.stringify(record, undefined, 2));
}

function recordPath({stateDirectory}: Pick<Context, 'stateDirectory'>): string {
  return join(stateDirectory, 'previous.json');
}
