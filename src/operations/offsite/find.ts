import {isEpochName} from '../../offsite/epoch.ts';
import {askAbilities, type Abilities} from '../../offsite/level.ts';
import type {S3Client} from '../../offsite/s3/client.ts';
import {repositoryExists, type ResticHandle} from '../../restic/handle.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {withoutPassword} from '../../shared/redact.ts';
import {timeOfSetId} from '../../shared/set-id.ts';
import type {Context} from '../context.ts';
import {chooseSet, readSets, type BackupSet} from '../sets.ts';
import {withS3} from './connect.ts';
import {localRepositoryId} from './epochs.ts';
import {offsiteRestic, onRepository, requireOffsiteTarget, type OffsiteTarget, type S3Target} from './target.ts';

/** One restic repository offsite. */
export interface OffsiteCopy {
  /** Id of the repository that it was replicated from, and the epoch; both null for one that restic itself made. */
  readonly repositoryId: string | null;
  readonly epoch: string | null;
  readonly restic: ResticHandle;
}

export interface CopySets extends OffsiteCopy {
  readonly sets: readonly BackupSet[];
}

export interface FindOptions {
  /** The beginning of a repository's id, where several hosts copy to one place. */
  readonly repository: string | undefined;
  /** Asks the operator which host is meant; undefined where nobody can be asked. */
  readonly ask: ((choices: readonly RepositoryChoice[]) => Promise<string>) | undefined;
}

/** One host's copies below a prefix. */
export interface RepositoryChoice {
  readonly id: string;
  /** When its newest epoch began. */
  readonly newest: Date | undefined;
}

/** How many epochs are looked through for a set; a bucket that expires objects holds four. */
const epochsToRead = 8;

/**
 * Finds the repositories below the offsite address: what restic made there, and this host's epochs, newest first.
 * @throws TimetilesError `offsite-permission` when the credentials cannot read
 */
export async function findCopies(context: Context, options: FindOptions): Promise<OffsiteCopy[]> {
  const target = requireOffsiteTarget(context);
  if (target.kind === 'other') return [copyAt(context, target, null, null)];
  return withS3(context, target, async (client) => {
    requireReading(await askAbilities(client, target.keyPrefix), target);
    return await findInBucket(context, target, client, options);
  });
}

/** @throws TimetilesError `offsite-permission` that says which permissions are missing, and how to go on */
function requireReading(abilities: Abilities, target: S3Target): void {
  const missing = [...(abilities.read ? [] : ['s3:GetObject']), ...(abilities.list ? [] : ['s3:ListBucket'])];
  if (missing.length === 0) return;
  throw new TimetilesError(
    'offsite-permission',
    `the key ${target.keyId} cannot read the offsite copy ${target.shownUrl}: it lacks ${missing.join(' and ')}, as it should on a server`,
    'Make a reading key at the provider (timetiles offsite policy --level reading), and run the same command with it: AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… timetiles …',
  );
}

async function findInBucket(context: Context, target: S3Target, client: S3Client, options: FindOptions): Promise<OffsiteCopy[]> {
  const {keys, folders} = await client.list(target.keyPrefix, {folders: true});
  const root = keys.includes(`${target.keyPrefix}config`) ? [copyAt(context, target, null, null)] : [];
  const ids = folders.map((folder) => folder.slice(target.keyPrefix.length, -1)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const epochsOf = new Map<string, string[]>();
  for (const id of ids) epochsOf.set(id, await listEpochs(target, client, id));
  const id = await chooseRepository(context, epochsOf, options);
  const epochs = id === undefined ? [] : (epochsOf.get(id) ?? []);
  const copies = [...epochs.map((epoch) => copyAt(context, target, id ?? null, epoch)), ...root];
  if (copies.length > 0) return copies;
  throw new TimetilesError('not-found', `there is no backup at ${target.shownUrl}`, 'Check RESTIC_OFFSITE_REPOSITORY: bucket and prefix must be those of the host that made the backups.');
}

/**
 * Epochs that hold a backup, newest first. One without config or keys is half expired; one without snapshots, which are
 * stored last, is just begun: of that, restic would say that the password is wrong while a key is missing.
 */
async function listEpochs(target: S3Target, client: S3Client, id: string): Promise<string[]> {
  const base = `${target.keyPrefix}${id}/`;
  const {folders} = await client.list(base, {folders: true});
  const names = folders.map((folder) => folder.slice(base.length, -1)).filter(isEpochName).toSorted().toReversed();
  const whole: string[] = [];
  for (const name of names.slice(0, epochsToRead)) {
    const {keys, folders: parts} = await client.list(`${base}${name}/`, {folders: true});
    if (keys.includes(`${base}${name}/config`) && ['keys', 'snapshots'].every((part) => parts.includes(`${base}${name}/${part}/`))) whole.push(name);
  }
  return whole;
}

/** Which host's: the one that was named, this one's, the only one, or the one that the operator picks. */
async function chooseRepository(context: Context, epochsOf: ReadonlyMap<string, readonly string[]>, {repository, ask}: FindOptions): Promise<string | undefined> {
  const ids = [...epochsOf.keys()];
  const choices = ids.map((id) => ({id, newest: timeOfSetId(epochsOf.get(id)?.[0] ?? '')}));
  const list = choices.map(({id, newest}) => `${id.slice(0, 12)} (newest epoch ${newest?.toISOString().slice(0, 10) ?? 'unknown'})`).join(', ');
  if (repository !== undefined) {
    const matches = ids.filter((id) => id.startsWith(repository.toLowerCase()));
    if (matches.length === 1) return matches[0];
    throw new TimetilesError(matches.length === 0 ? 'not-found' : 'ambiguous', `${matches.length === 0 ? 'no repository' : `${matches.length} repositories`} there ${matches.length === 0 ? 'begins' : 'begin'} with ${repository}; there are: ${list || 'none'}`, 'Name one of them with --repository ID.');
  }
  if (ids.length < 2) return ids[0];
  const own = await ownRepositoryId(context);
  if (own !== undefined && epochsOf.has(own)) return own;
  if (ask) return ask(choices.toSorted((a, b) => (b.newest?.getTime() ?? 0) - (a.newest?.getTime() ?? 0)));
  throw new TimetilesError('usage', `several hosts copy to this place: ${list}`, 'Name one of them with --repository ID.');
}

function copyAt(context: Context, target: OffsiteTarget, repositoryId: string | null, epoch: string | null): OffsiteCopy {
  const path = repositoryId === null || epoch === null ? '' : `${repositoryId}/${epoch}`;
  return {repositoryId, epoch, restic: offsiteRestic(context, target, path)};
}

/** The sets of every copy, in the copies' order. One that cannot be read is told and left out, unless it is the only one. */
export async function readCopies(context: Context, copies: readonly OffsiteCopy[]): Promise<CopySets[]> {
  const read: CopySets[] = [];
  for (const copy of copies) {
    try {
      read.push({...copy, sets: await readSets(onRepository(context, copy.restic))});
    } catch (error) {
      context.signal.throwIfAborted();
      if (copies.length === 1 || isAboutPassword(error)) throw error;
      context.log.warn(`the copy ${withoutPassword(copy.restic.repository)} cannot be read: ${messageOf(error)}`);
    }
  }
  return read;
}

function isAboutPassword(error: unknown): boolean {
  return error instanceof TimetilesError && error.kind === 'repository-password';
}

/**
 * The context to read a set from: the copy that has it, the newest one for `latest`.
 * @throws TimetilesError `not-found` that lists the sets there are
 */
export async function contextForSet(context: Context, wanted: string, only: string | undefined, options: FindOptions): Promise<Context> {
  const best = bestCopy(await readCopies(context, await findCopies(context, options)), wanted, only);
  context.log.info(`reading from ${withoutPassword(best.restic.repository)}`);
  return onRepository(context, best.restic);
}

/** The copy to read a set from: the one that has it, the newest one for `latest`. @throws TimetilesError `not-found` */
export function bestCopy(copies: readonly CopySets[], wanted: string, only: string | undefined): CopySets {
  const found = copies.flatMap((copy) => {
    try {
      return [{copy, set: chooseSet(copy.sets, wanted, only).set}];
    } catch (error) {
      if (error instanceof TimetilesError && error.kind === 'not-found') return [];
      throw error;
    }
  });
  // An upload that is under way has parts of a set. Between equals the copies' order decides: a newer epoch before an older one.
  const wholeness = ({state}: BackupSet) => (state === 'complete' ? 1 : 0);
  const best = found.toSorted((a, b) => (a.set.id === b.set.id ? wholeness(b.set) - wholeness(a.set) : a.set.id < b.set.id ? 1 : -1))[0];
  if (best) return best.copy;
  chooseSet(copies.flatMap(({sets}) => sets).toSorted((a, b) => (a.id < b.id ? 1 : -1)), wanted, only);
  throw new Error('a set that no copy has was found in all of them');
}

/** The id of this host's repository; undefined where there is none, or this user may not read it. */
async function ownRepositoryId(context: Context): Promise<string | undefined> {
  try {
    return repositoryExists(context.restic) ? await localRepositoryId(context) : undefined;
  } catch {
    return undefined;
  }
}
