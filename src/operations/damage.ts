import {findDamagedFiles} from '../restic/digests.ts';
import {isLocal} from '../restic/handle.ts';
import {listFiles} from '../restic/list-files.ts';
import {countIndexes, findFilesInPacks, findMissingPacks} from '../restic/packs.ts';
import {DamagedFilesError} from '../restic/restore.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {plural, shellWord} from '../shared/format.ts';
import type {Context} from './context.ts';
import {meansDamage} from './damage-kinds.ts';
import {readManifest} from './manifest.ts';
import {readOffsiteSets} from './offsite/list.ts';
import type {RestoreChoice} from './restore-plan.ts';
import {chooseSet, isWholeBackup, readSets, type BackupSet, type SetSnapshot} from './sets.ts';
import {allData} from './verify-part.ts';

/** Milliseconds for which packs are read to find damaged ones: at 3 a.m. nobody waits until terabytes were read. */
const readingLimit = 60_000;
/** How many of the newest sets are looked through for one that is whole. */
const setsToLookAt = 10;
/** An index of more files than these is not read for a plan. */
const indexesOfAPlan = 20;
/** How many files are named. */
const sampleSize = 5;

interface BadPacks {
  readonly missing: readonly string[];
  readonly changed: readonly string[];
  readonly read: number;
  readonly all: number;
}

/** Which files of some snapshots lie in packs that are not there, by the snapshot's id. Does not find packs that were changed. */
export async function findLostFiles(context: Context, snapshots: readonly SetSnapshot[]): Promise<Map<string, Set<string>>> {
  return findFilesInPacks(context.restic, await findMissingPacks(context.restic), snapshots.map(({id}) => id));
}

/** The same in words, for a plan, where that takes no more than a few seconds. */
export async function warnOfLostFiles(context: Context, snapshots: readonly SetSnapshot[]): Promise<string[]> {
  if (countIndexes(context.restic) > indexesOfAPlan) return [];
  const lost = await findLostFiles(context, snapshots);
  return snapshots.flatMap(({source, id}) => {
    const paths = lost.get(id);
    return paths ? [`packs are missing from the repository: ${source} cannot be restored whole (${describePaths([...paths])})`] : [];
  });
}

/** `3 files: /a, /b, /c`. */
function describePaths(paths: readonly string[]): string {
  return `${plural(paths.length, 'file')}: ${paths.slice(0, sampleSize).join(', ')}${paths.length > sampleSize ? ', …' : ''}`;
}

/**
 * Makes of the failure of a restore one that says what is damaged, and what can be restored instead.
 * @param context the local repository
 * @param from where the set was read from
 */
export async function explainDamage(context: Context, from: Context, choice: RestoreChoice, error: unknown): Promise<unknown> {
  if (!(error instanceof TimetilesError) || error.kind !== 'repository-damaged') return error;
  try {
    context.log.info('looking for what is damaged, and for a set that is whole');
    const {set} = chooseSet(await readSets(from), choice.wanted, choice.only);
    const bad = await findBadPacks(context);
    const isHere = isLocal(from.restic);
    const affected = isHere ? await describeAffected(context, set, bad, error) : [];
    const next = [
      ...(await offerLocal(context, isHere ? set : undefined, choice, bad)),
      ...(isHere ? await offerOffsite(context, set) : []),
      `What is intact of this set: timetiles restore ${shellWord(choice.wanted)}${isHere ? '' : ' --offsite'} --best-effort --target DIR (without --target in place)`,
      `Repair: ${isHere ? 'timetiles backup verify --read-data' : 'timetiles backup verify --offsite --read-data'} says how`,
    ];
    return new TimetilesError(error.kind, [error.message, isHere ? describePacks(bad) : '', ...affected].filter((part) => part !== '').join('; '), next.join('\n'), {cause: error});
  } catch (failure) {
    context.signal.throwIfAborted();
    context.log.warn(`what else is damaged could not be found out: ${messageOf(failure)}`);
    return error;
  }
}

async function findBadPacks(context: Context): Promise<BadPacks> {
  const missing = await findMissingPacks(context.restic);
  const begin = context.clock.now().getTime();
  let read = 0;
  let all = 0;
  const onProgress = (progress: {files?: number; totalFiles?: number}) => {
    read = progress.files ?? read;
    all = progress.totalFiles ?? all;
    context.log.progress({label: 'looking for damage', ...progress});
  };
  const changed = await findDamagedFiles(context.restic, ['data'], allData, onProgress, () => context.clock.now().getTime() - begin > readingLimit);
  return {missing, changed: changed.map(({id}) => id), read, all};
}

function describePacks({missing, changed}: BadPacks): string {
  const parts = [...(missing.length > 0 ? [`${plural(missing.length, 'pack')} missing`] : []), ...(changed.length > 0 ? [`${plural(changed.length, 'pack')} damaged`] : [])];
  return parts.length === 0 ? '' : `in the repository ${parts.join(' and ')}`;
}

/** What of the set lies in the bad packs. Of a changed pack not every piece need be wrong; restic names those that are. */
async function describeAffected(context: Context, set: BackupSet, bad: BadPacks, error: TimetilesError): Promise<string[]> {
  const found = await findFilesInPacks(context.restic, [...bad.missing, ...bad.changed], set.snapshots.map(({id}) => id));
  const named = error instanceof DamagedFilesError ? error.paths() : [];
  return set.snapshots.flatMap(({source, id}) => {
    const paths = found.get(id);
    if (source === 'uploads' && named.length > 0) return [`${source} is affected, ${describePaths(named)}`];
    return paths ? [`${source} is affected, at most ${describePaths([...paths])}`] : [];
  });
}

/** The newest set here that uses none of the bad packs and whose folders can all be listed. */
async function offerLocal(context: Context, damaged: BackupSet | undefined, {only}: RestoreChoice, bad: BadPacks): Promise<string[]> {
  const has = (set: BackupSet) => (damaged?.snapshots ?? []).filter(({source}) => only === undefined || source === only).every(({source}) => set.snapshots.some((snapshot) => snapshot.source === source));
  const candidates = (await readSets(context)).filter((set) => set.id !== damaged?.id && isWholeBackup(set) && has(set)).slice(0, setsToLookAt);
  const used = await findFilesInPacks(context.restic, [...bad.missing, ...bad.changed], candidates.flatMap((set) => set.snapshots.map(({id}) => id)));
  for (const set of candidates) {
    if (set.snapshots.some(({id}) => used.has(id)) || !(await canBeListed(context, set))) continue;
    const how = bad.read === bad.all ? 'none of its content is in a damaged pack; all packs were read' : `most likely whole, but only ${bad.read} of ${bad.all} packs were read; a restore checks everything before it touches live data`;
    return [`The newest whole set here: timetiles restore ${set.id}${only === undefined ? '' : ` --only ${only}`} (${how}${set.isSuspicious ? '; it is suspicious' : ''})`];
  }
  return [candidates.length === 0 ? 'There is no other complete set here that has the same' : `None of the ${plural(candidates.length, 'newest other set')} here is whole`];
}

async function canBeListed(context: Context, set: BackupSet): Promise<boolean> {
  try {
    if (set.manifest !== undefined) await readManifest(context, set.manifest);
    for (const {id} of set.snapshots) await listFiles(context.restic, id, () => undefined);
    return true;
  } catch (error) {
    if (!meansDamage(error)) throw error;
    return false;
  }
}

/** The same set, or the newest one, of the offsite copy. */
async function offerOffsite(context: Context, {id}: BackupSet): Promise<string[]> {
  if (context.settings.RESTIC_OFFSITE_REPOSITORY === undefined) return [];
  try {
    const sets = (await readOffsiteSets(context, {repository: undefined, ask: undefined})).filter((set) => set.state === 'complete');
    const set = sets.find((candidate) => candidate.id === id) ?? sets.find(isWholeBackup);
    return set ? [`Offsite, ${set.id === id ? 'the same set' : 'the newest'}: timetiles restore ${set.id} --offsite (not read yet; a restore checks everything before it touches live data)`] : ['Offsite there is no complete set'];
  } catch (error) {
    context.signal.throwIfAborted();
    return [`The offsite copy cannot be read with these credentials: ${messageOf(error)}`];
  }
}
