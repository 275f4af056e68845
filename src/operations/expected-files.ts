import {randomBytes} from 'node:crypto';
import {createReadStream, writeSync} from 'node:fs';
import {mkdir, open, rm, type FileHandle} from 'node:fs/promises';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {messageOf} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import type {ExpectedFiles, StoredSource} from '../sources/source.ts';
import type {Context} from './context.ts';
import type {MissingFiles} from './manifest.ts';

/** How many missing files are named. */
const sampleSize = 5;
/** So many characters are written at once. */
const batchLength = 65_536;

/** A list of paths that one source expects another to have. */
export interface PathList extends ExpectedFiles {
  /** Undefined when no source wanted to fill it. */
  readonly filled: () => {readonly count: number; readonly problem: string | undefined} | undefined;
  /** Every path, in the order in which they came. */
  paths(): AsyncIterable<string>;
  close(): Promise<void>;
}

/** Opens a list that may grow to millions of paths: it lies in a file of the directory. */
export async function openPathList(directory: string): Promise<PathList> {
  let problem: string | undefined;
  let file = await openNamelessFile(directory).catch((error: unknown) => {
    problem = messageOf(error);
    return undefined;
  });
  let batch = '';
  let count = 0;
  let isEnded = false;
  const flush = () => {
    if (file && batch !== '') writeSync(file.fd, batch);
    batch = '';
  };
  return {
    // A query beside a dump that failed may go on for a moment after the list was closed.
    add(line) {
      if (!file) return;
      count += 1;
      batch += `${JSON.stringify(line)}\n`;
      // Writing at once holds the producer back: nothing piles up in memory.
      if (batch.length > batchLength) flush();
    },
    end(reason) {
      isEnded = true;
      problem ??= reason;
    },
    filled: () => (isEnded ? {count, problem} : undefined),
    async *paths() {
      if (!file) return;
      flush();
      const lines = createInterface({input: createReadStream('', {fd: file.fd, start: 0, autoClose: false})});
      for await (const line of lines) yield String(JSON.parse(line));
    },
    async close() {
      const closing = file;
      file = undefined;
      await closing?.close();
    },
  };
}

/** Mode 0600, and no name in the directory any more, so that nothing of it stays after a kill. */
async function openNamelessFile(directory: string): Promise<FileHandle> {
  await mkdir(directory, {recursive: true, mode: 0o700});
  const path = join(directory, `paths-${randomBytes(8).toString('hex')}.tmp`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}

/** Looks for the expected files in the snapshots that were just stored. Never fails: no backup is lost for it. */
export async function checkExpectedFiles(context: Context, list: PathList, made: readonly StoredSource[]): Promise<MissingFiles | undefined> {
  const filled = list.filled();
  const holder = made.find(({source}) => source.findMissing);
  if (!filled || !holder?.source.findMissing) return undefined;
  if (filled.problem !== undefined) return {state: 'not-checked', reason: filled.problem};
  try {
    let count = 0;
    const sample: string[] = [];
    for await (const path of holder.source.findMissing(context, holder.record.snapshot, list.paths())) {
      count += 1;
      if (sample.length < sampleSize) sample.push(path);
    }
    return {state: 'checked', expected: filled.count, count, sample};
  } catch (error) {
    context.signal.throwIfAborted();
    return {state: 'not-checked', reason: messageOf(error)};
  }
}

/** The warnings of such a check. */
export function missingFilesWarnings(missing: MissingFiles | undefined): string[] {
  if (missing === undefined || (missing.state === 'checked' && missing.count === 0)) return [];
  if (missing.state === 'not-checked') return [`files-missing: not checked, ${missing.reason}. Try BACKUP_FILES_QUERY in psql; it must return one column and only read`];
  const shown = missing.sample.join(', ');
  const more = missing.count > missing.sample.length ? ', …' : '';
  return [`files-missing: ${plural(missing.count, 'file')} of the ${missing.expected} that BACKUP_FILES_QUERY names ${missing.count === 1 ? 'is' : 'are'} not in the set: ${shown}${more}. Look for ${missing.count === 1 ? 'it' : 'them'} in an older set: timetiles restore SET --path PATH --target DIR`];
}
