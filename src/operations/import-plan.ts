import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {basename, dirname, resolve} from 'node:path';
import {repositoryExists} from '../restic/handle.ts';
import {TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {newSetId} from '../shared/set-id.ts';
import {obstacleIn} from '../sources/foreign/compression.ts';
import {openForeignFile, refusal, type ForeignFile} from '../sources/foreign/file.ts';
import {sources} from '../sources/registry.ts';
import type {RecognisedBackup, Source} from '../sources/source.ts';
import type {Context} from './context.ts';
import {readHostNames} from './host-names.ts';
import {ofMoment, pairParts, parseTime, timeInName, type BackupTime, type SetPart} from './import-dates.ts';
import {hasRules, policyOf} from './prune-repository.ts';
import {planRetention} from './retention.ts';
import {readSets, setsByFile, type BackupSet} from './sets.ts';

export interface ImportChoice {
  readonly files: readonly string[];
  /** The time of the one set that all files make. */
  readonly date: string | undefined;
}

/** A file that can be imported. */
export interface PlannedFile extends SetPart {
  readonly file: ForeignFile;
  readonly backup: RecognisedBackup;
  readonly owner: Source;
  /** In words: where its time was read. */
  readonly datedBy: string;
  /** SHA-256 of the file as it is; read once, when it is first needed. */
  digest(): Promise<string>;
}

export interface PlannedSet {
  readonly id: string;
  readonly time: Date;
  /** In the order of the sources. */
  readonly files: readonly PlannedFile[];
}

/** A file that cannot be taken, and why. */
export interface RefusedFile {
  readonly path: string;
  readonly error: TimetilesError;
}

/** A file that is in the repository already. */
interface SkippedFile {
  readonly path: string;
  /** The set that it is in, or another of the named files that is the same. */
  readonly as: string;
}

/** An import that was thought over; nothing has been stored. */
export interface ImportPlan {
  /** Oldest first. */
  readonly sets: readonly PlannedSet[];
  readonly skipped: readonly SkippedFile[];
  readonly refused: readonly RefusedFile[];
  readonly warnings: readonly string[];
}

const clockSlackMilliseconds = 60_000;

/** Looks at each file and at what the repository has. @throws TimetilesError `usage` for a time that is none or does not fit */
export async function planImport(context: Context, choice: ImportChoice): Promise<ImportPlan> {
  const given = choice.date === undefined ? undefined : readGivenTime(choice.date);
  const refused: RefusedFile[] = [];
  const files: PlannedFile[] = [];
  for (const path of new Set(choice.files.map((name) => resolve(name)))) {
    try {
      files.push(await planFile(context, path, given));
    } catch (error) {
      if (!(error instanceof TimetilesError) || error.kind !== 'import') throw error;
      refused.push({path, error});
    }
  }
  const existing = repositoryExists(context.restic) ? await readSets(context) : [];
  const {fresh, skipped} = await withoutKnown(context, files, setsByFile(existing));
  const sets = planSets(fresh, existing);
  if (given && sets.length > 1) throw new TimetilesError('usage', `--date gives one time, but the files make ${plural(sets.length, 'set')}`, 'Give one dump, one archive, or one of each.');
  return {sets, skipped, refused, warnings: expiryWarnings(context, sets, existing)};
}

function readGivenTime(text: string): BackupTime {
  const time = parseTime(text);
  if (time) return time;
  throw new TimetilesError('usage', `--date=${text} is no time`, 'Write 2024-05-31, "2024-05-31 02:00:00" (in the time zone of this host) or 2024-05-31T02:00:00Z.');
}

async function planFile(context: Context, path: string, given: BackupTime | undefined): Promise<PlannedFile> {
  const file = await openForeignFile(path, context.signal);
  for (const owner of sources) {
    const backup = owner.recognise?.(file);
    if (!backup) continue;
    const {datedBy, ...time} = dateFile(file, backup, given);
    if (time.time.getTime() > context.clock.now().getTime() + clockSlackMilliseconds) throw refusal(path, `is of a time to come (${time.time.toISOString()}, from ${datedBy})`, 'Say when it was made: --date TIME');
    let digest: Promise<string> | undefined;
    return {source: owner.name, owner, file, backup, ...time, datedBy, digest: () => (digest ??= digestOf(path, context.signal))};
  }
  const {what, next} = obstacleIn(file.head);
  throw refusal(path, what, next);
}

/** What the operator says, then what the names say, then the content, and at last the file system. */
function dateFile({path, modified}: ForeignFile, backup: RecognisedBackup, given: BackupTime | undefined): BackupTime & {datedBy: string} {
  if (given) return {...given, datedBy: '--date'};
  const inName = timeInName(basename(path));
  if (inName) return {...inName, datedBy: 'its name'};
  const inFolder = timeInName(basename(dirname(path)));
  if (inFolder) return {...inFolder, datedBy: "its folder's name"};
  if (backup.time) return {...ofMoment(backup.time), datedBy: 'its header'};
  return {...ofMoment(modified), datedBy: 'its mtime'};
}

async function digestOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, {highWaterMark: 1024 * 1024, signal})) hash.update(chunk);
  return hash.digest('hex');
}

/** Digests are only read where a file may be known: they cost a look at every byte. */
async function withoutKnown(context: Context, files: readonly PlannedFile[], known: ReadonlyMap<string, string>): Promise<{fresh: PlannedFile[]; skipped: SkippedFile[]}> {
  const skipped: SkippedFile[] = [];
  const fresh: PlannedFile[] = [];
  const seen = new Map(known);
  const twins = Map.groupBy(files, ({file}) => file.bytes);
  for (const planned of files) {
    const {path, bytes} = planned.file;
    if (known.size > 0 || (twins.get(bytes)?.length ?? 0) > 1) {
      context.log.progress({label: 'looking for files that are known', files: fresh.length + skipped.length, totalFiles: files.length});
      const digest = await planned.digest();
      const as = seen.get(digest);
      if (as !== undefined) {
        skipped.push({path, as});
        continue;
      }
      seen.set(digest, path);
    }
    fresh.push(planned);
  }
  return {fresh, skipped};
}

function planSets(files: readonly PlannedFile[], existing: readonly BackupSet[]): PlannedSet[] {
  const ids = new Set(existing.map(({id}) => id));
  return pairParts(files).map((parts) => {
    const inOrder = parts.toSorted((a, b) => sources.indexOf(a.owner) - sources.indexOf(b.owner));
    const time = new Date(Math.min(...parts.map((part) => part.time.getTime())));
    let id = newSetId(time);
    while (ids.has(id)) id = newSetId(time);
    ids.add(id);
    return {id, time, files: inOrder};
  });
}

/** Nobody shall import a hundred files and find ten after the next prune. */
function expiryWarnings(context: Context, planned: readonly PlannedSet[], existing: readonly BackupSet[]): string[] {
  const [host = ''] = readHostNames(context);
  const asSets = planned.map(({id, time, files}): BackupSet => ({
    id, time, host,
    state: 'complete',
    isSafety: false,
    isSuspicious: false,
    isImported: true,
    isEarlier: false,
    manifest: id,
    snapshots: files.map(({source}) => ({source, id, time, snapshot: {id, time: time.toISOString(), hostname: host, paths: [], tags: []}})),
  }));
  if (!hasRules(context.settings)) return [];
  const {removed} = planRetention([...existing, ...asSets], policyOf(context, 'counts'), {now: context.clock.now(), hostNames: readHostNames(context)});
  const going = removed.filter(({set}) => asSets.includes(set)).map(({set}) => set.id).toSorted();
  if (going.length === 0) return [];
  const shown = `${going.slice(0, 5).join(', ')}${going.length > 5 ? ', …' : ''}`;
  return [`no rule keeps ${going.length} of the ${plural(planned.length, 'set')}, and the next backup prune would remove ${going.length === 1 ? 'it' : 'them'}: ${shown}. Raise BACKUP_KEEP_MONTHLY or BACKUP_KEEP_YEARLY to keep more`];
}
