import {repositoryFiles} from '../restic/handle.ts';
import {messageOf} from '../shared/errors.ts';
import {formatBytes, plural} from '../shared/format.ts';
import type {Measures, SourceRecord, StoredSource} from '../sources/source.ts';
import type {Context} from './context.ts';
import {readCachedManifests, readManifest, type Manifest} from './manifest.ts';
import {isWholeBackup, readSets, type BackupSet} from './sets.ts';

/** With how many earlier sets a set is compared. */
const baselineSize = 7;
/** Below these nothing is suspicious: a small installation may do with its few rows and files as it likes. */
const smallest = {bytes: 64 * 1024, files: 10, rows: 100};
/** Of one source, so many tables are named. */
const tablesNamed = 5;

/**
 * Tells what a source has much less of than it usually had, a line each. Pure.
 * @param earlier of the sets to compare with; without any there is nothing to suspect
 * @param percent a fall by more than this is suspicious; 0 for never
 */
export function suspicionsOf(source: string, current: Measures, earlier: readonly Measures[], percent: number): string[] {
  if (percent === 0 || earlier.length === 0) return [];
  const fellBelow = (before: number, now: number, floor: number) => before >= floor && now < before * (1 - percent / 100);
  const tell = (what: string, before: string, now: string) => `${source}: ${what} fell from ${before} (median of ${plural(earlier.length, 'set')}) to ${now}`;
  const judge = (what: string, floor: number, of: (measures: Measures) => number | undefined, show: (value: number) => string = String) => {
    const before = median(earlier.flatMap((measures) => of(measures) ?? []));
    const now = of(current);
    return before !== undefined && now !== undefined && fellBelow(before, now, floor) ? [tell(what, show(before), show(now))] : [];
  };
  // A queue is often empty: of one table, the present count must also be lower than it ever was.
  const tables = [...new Set(earlier.flatMap(({rows}) => Object.keys(rows ?? {})))].flatMap((table) => {
    const counts = earlier.flatMap(({rows}) => (rows ? [rows[table] ?? 0] : []));
    const before = median(counts) ?? 0;
    const now = current.rows?.[table] ?? 0;
    const isLowest = counts.every((count) => now < count);
    return current.rows && isLowest && fellBelow(before, now, smallest.rows) ? [tell(`rows of ${table}`, String(before), String(now))] : [];
  });
  return [
    ...judge('rows', smallest.rows, ({rows}) => rows && sum(Object.values(rows))),
    ...tables.slice(0, tablesNamed),
    ...(tables.length > tablesNamed ? [`${source}: rows of ${plural(tables.length - tablesNamed, 'more table')} fell as well`] : []),
    ...judge('files', smallest.files, ({files}) => files),
    ...judge('bytes', smallest.bytes, ({bytes}) => bytes, (bytes) => formatBytes(Math.round(bytes))),
  ];
}

/**
 * Picks the records of a source to compare with: the newest seven, none of them suspicious, or else a loss would be the
 * rule after four nights and release what it holds; none was imported; none from before a set whose loss the operator accepted. Pure.
 */
export function baselineOf(source: string, manifests: readonly Manifest[]): SourceRecord[] {
  const usable = manifests
    .filter((manifest) => manifest.suspicions === undefined && manifest.beforeRestore === undefined && manifest.imported === undefined)
    .filter((manifest) => manifest.state === 'complete' || manifest.accepted)
    .flatMap((manifest) => manifest.sources.filter((record) => record.source === source).map((record) => ({manifest, record})))
    .toSorted((a, b) => (a.manifest.set < b.manifest.set ? 1 : -1));
  const accepted = usable.findIndex(({manifest}) => manifest.accepted);
  return usable.slice(0, accepted === -1 ? undefined : accepted + 1).slice(0, baselineSize).map(({record}) => record);
}

/** Judges the records of a set that is being made, against the manifests of earlier ones. */
export function judgeSet(context: Context, made: readonly StoredSource[], manifests: readonly Manifest[]): string[] {
  return made.flatMap(({source, record}) => {
    const earlier = baselineOf(source.name, manifests).map((before) => source.measure(before));
    return suspicionsOf(source.name, source.measure(record), earlier, context.settings.BACKUP_SUSPICIOUS_PERCENT);
  });
}

/**
 * Reads the manifests that a set of this project may be compared with: this host's copies. Only a host that has none,
 * being new or having lost them, asks the repository, once. Never fails: no backup is lost for it.
 */
export async function readEarlierManifests(context: Context): Promise<Manifest[]> {
  const present = repositoryFiles(context.restic, 'snapshots');
  if (present.length === 0) return [];
  const copies = [...readCachedManifests(context, present).values()];
  const manifests = copies.length > 0 ? copies : await readNewestManifests(context).catch((error: unknown) => {
    context.log.warn(`this set cannot be compared with earlier ones: ${messageOf(error)}`);
    return [];
  });
  // Not by host: a container has another name each time that it is made anew.
  return manifests.filter(({project}) => project === context.settings.COMPOSE_PROJECT_NAME);
}

async function readNewestManifests(context: Context): Promise<Manifest[]> {
  const sets = await readSets(context);
  const wanted = sets.filter((set) => isWholeBackup(set) && !set.isSuspicious && !set.isImported).slice(0, baselineSize);
  const manifests: Manifest[] = [];
  for (const {manifest} of wanted) if (manifest !== undefined) manifests.push(await readManifest(context, manifest));
  return manifests;
}

/** What makes a set suspicious, a line each; none when it is not, which takes no look at its manifest. */
export async function suspicionOf(context: Context, set: BackupSet): Promise<readonly string[]> {
  if (!set.isSuspicious || set.manifest === undefined) return [];
  return (await readManifest(context, set.manifest)).suspicions ?? [];
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1);
  return middle.length === 0 ? undefined : sum(middle) / middle.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
