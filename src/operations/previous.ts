import {existsSync, readFileSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {z} from 'zod';
import {syncDirectory, writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {formatBytes} from '../shared/format.ts';
import type {KeptData} from '../sources/source.ts';
import type {Context} from './context.ts';
import {sourceOf, type Journal} from './journal.ts';
import type {BackupReport} from './make-set.ts';

/** Why data is not kept although it should be. */
const cannotStay = 'there was none, or the uploads are a mount point: the app would see it, and backups would store it';

/** The state before the last restore: where it lies, how long, and how else to get it back. */
const previousSchema = z.object({
  /** The restore's id, which is in every temporary name. */
  id: z.string(),
  /** The set that was restored. */
  set: z.string(),
  /** When, ISO 8601. */
  time: z.string(),
  entries: z.array(z.object({source: z.string(), entry: z.record(z.string(), z.unknown())})),
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
  /** When it goes, ISO 8601; null: with the next backup. */
  until: z.string().nullable(),
});
export type Previous = z.output<typeof previousSchema>;

/** @throws TimetilesError when there is a record that cannot be read */
export function readPrevious(context: Pick<Context, 'stateDirectory'>): Previous | undefined {
  const path = recordPath(context);
  if (!existsSync(path)) return undefined;
  try {
    return previousSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new TimetilesError('restore', `the record of the state before the last restore cannot be read: ${path}`, 'The safety set of that restore is in timetiles backup list. Look into the file for what was kept, remove that by hand, then delete the file.', {cause: error});
  }
}

/**
 * Keeps or removes the data from before a restore, and writes down which. What an earlier restore kept goes first: only one
 * state is kept. May be called again after any interruption, as long as the journal is there.
 */
export async function putAside(context: Context, journal: Journal): Promise<Previous> {
  const known = readPrevious(context);
  if (known?.id === journal.id) return known;
  if (known) await removeData(context, known);
  const data = journal.keepUntil === undefined ? undefined : await inspectAll(context, journal);
  if (!data) await removeData(context, journal);
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
    until: journal.keepUntil ?? null,
  };
  await writeRecord(context, record);
  return record;
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

/** A disk that is too small for a restore may be so because of what an earlier one kept. */
export function withWayToRoom(context: Pick<Context, 'stateDirectory'>, error: unknown): unknown {
  if (!(error instanceof TimetilesError) || !/B free|is full|no space left/i.test(error.message)) return error;
  const record = readPrevious(context);
  if (!record?.kept) return error;
  return new TimetilesError(error.kind, error.message, `${error.next.replace(/\.$/, '')}. The state before the restore of set ${record.set} is kept and takes ${formatBytes(record.bytes)}; to remove it: timetiles restore --drop-previous`, {cause: error});
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
    if (record.until !== null || !covers || report.state !== 'complete') return;
    if (report.suspicions.length > 0) {
      context.log.info(`the state before the restore of set ${record.set} stays, since this set is suspicious`);
      return;
    }
    await drop(context, record, `set ${report.set} is stored`);
  });
}

/** Removes what was kept for a time that is over. Never fails what it is called from. */
export async function dropExpiredPrevious(context: Context): Promise<void> {
  await quietly(context, async (record) => {
    if (record.until !== null && new Date(record.until) <= context.clock.now()) await drop(context, record, 'its time is over');
  });
}

async function drop(context: Context, record: Previous, why: string): Promise<void> {
  await dropPrevious(context);
  context.log.info(`removed the state before the restore of set ${record.set} (${formatBytes(record.bytes)}): ${why}`);
}

async function quietly(context: Context, work: (record: Previous) => Promise<void>): Promise<void> {
  try {
    const record = readPrevious(context);
    if (record?.kept) await work(record);
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.warn(`the state before the last restore could not be removed: ${messageOf(error)}. The next command tries again`);
  }
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
