import {join} from 'node:path';
import {isLocal, repositoryExists} from '../restic/handle.ts';
import {TimetilesError} from '../shared/errors.ts';
import {formatMinute, plural} from '../shared/format.ts';
import {withoutPassword} from '../shared/redact.ts';
import type {Context} from './context.ts';
import {bestCopy, findCopies, readCopies, type CopySets, type RepositoryChoice} from './offsite/find.ts';
import {onRepository} from './offsite/target.ts';
import {chooseSet, isWholeBackup, readSets, type BackupSet} from './sets.ts';

/** One host whose backups lie in a place. */
export interface FoundHost {
  readonly host: string;
  /** The repository that its copy was made of; null where there is only one. */
  readonly repositoryId: string | null;
  readonly sets: number;
  /** When its newest complete set was made. */
  readonly newest: Date | undefined;
}

export interface BackupWish {
  /** The settings that the command line alone gives. */
  readonly named: Readonly<Record<string, string>>;
  /** `latest`, or the id of a set. */
  readonly set: string;
  readonly host: string | undefined;
  /** The beginning of a repository's id, offsite. */
  readonly repository: string | undefined;
  readonly only: string | undefined;
  /** Asks the operator; undefined where nobody can be asked. */
  readonly ask: ((hosts: readonly FoundHost[]) => Promise<FoundHost>) | undefined;
}

export interface FoundBackup {
  /** Leads to the repository that has the set. */
  readonly from: Context;
  readonly place: string;
  readonly isLocal: boolean;
  readonly hosts: readonly FoundHost[];
  readonly host: string;
  readonly set: BackupSet;
}

/**
 * Looks through the place that the command line names, else the local repository, if it is there, else offsite: which hosts
 * there are, and the set that is wanted. An address that was named is never passed over for a repository that lies here: that
 * may be a new one, or hold nothing but the safety set of an earlier try.
 * @throws TimetilesError `not-found`; `usage` when it is not clear whose
 */
export async function findBackup(context: Context, wish: BackupWish): Promise<FoundBackup> {
  const isHere = !('RESTIC_OFFSITE_REPOSITORY' in wish.named) && repositoryExists(context.restic);
  if (!isHere && context.settings.RESTIC_OFFSITE_REPOSITORY === undefined) {
    throw new TimetilesError('repository-missing', `there is no repository at ${context.restic.repository}, and no offsite copy is known`, `Name one: timetiles dr /path/of/the/repository, or timetiles dr s3:https://HOST/BUCKET/PREFIX. Or write it into ${join(context.configuration.home, 'bootstrap.conf')}.`);
  }
  return isHere ? findIn(context, [{repositoryId: null, epoch: null, restic: context.restic, sets: await readSets(context)}], wish) : findOffsite(context, wish);
}

/** Where several repositories lie in one place, each is looked into: a person knows hosts, not ids. */
async function findOffsite(context: Context, wish: BackupWish): Promise<FoundBackup> {
  const inventory = new Map<string, CopySets[]>();
  const read = async (repository: string | undefined, ask: ((choices: readonly RepositoryChoice[]) => Promise<string>) | undefined) => readCopies(context, await findCopies(context, {repository, ask}));
  const ask = async (choices: readonly RepositoryChoice[]) => {
    for (const {id} of choices) inventory.set(id, await read(id, undefined));
    const {repositoryId} = await pickHost([...inventory.values()].flatMap(hostsIn), wish);
    return repositoryId ?? '';
  };
  const copies = await read(wish.repository, ask);
  const hosts = [...inventory.values()].flatMap(hostsIn);
  const found = await findIn(context, copies, wish);
  return hosts.length === 0 ? found : {...found, hosts};
}

async function findIn(context: Context, copies: readonly CopySets[], wish: BackupWish): Promise<FoundBackup> {
  const hosts = hostsIn(copies);
  if (hosts.length === 0) throw new TimetilesError('not-found', `there is no set at ${withoutPassword(copies[0]?.restic.repository ?? context.restic.repository)}`, 'Check the address: it must be the repository that the backups went to.');
  const {host} = await pickHost(hosts, wish);
  const own = copies.map((copy) => ({...copy, sets: copy.sets.filter((set) => set.host === host)}));
  const copy = bestCopy(own, wish.set, wish.only);
  const place = withoutPassword(copy.restic.repository);
  return {from: onRepository(context, copy.restic), place, isLocal: isLocal(copy.restic), hosts, host, set: chooseSet(copy.sets, wish.set, wish.only).set};
}

/** The hosts of all copies, the one with the newest set first. Several copies of one repository have the same sets. */
export function hostsIn(copies: readonly CopySets[]): FoundHost[] {
  const repositoryId = copies[0]?.repositoryId ?? null;
  const sets = new Map(copies.flatMap((copy) => copy.sets.map((set) => [set.id, set] as const)));
  const byHost = Map.groupBy(sets.values(), ({host}) => host);
  const hosts = [...byHost].map(([host, own]) => {
    const times = own.filter(isWholeBackup).map(({time}) => time.getTime());
    return {host, repositoryId, sets: own.length, newest: times.length === 0 ? undefined : new Date(Math.max(...times))};
  });
  return hosts.toSorted((a, b) => (b.newest?.getTime() ?? 0) - (a.newest?.getTime() ?? 0));
}

/** The one that was named, the only one, or the one that the operator picks. */
async function pickHost(hosts: readonly FoundHost[], {host, ask}: BackupWish): Promise<FoundHost> {
  const fitting = host === undefined ? hosts : hosts.filter((candidate) => candidate.host === host);
  const list = hosts.map(describeHost).join('; ');
  if (fitting.length === 0) throw new TimetilesError('not-found', `there is no backup of a host ${host}; there are: ${list}`, 'Name one of them with --host NAME.');
  const [only, second] = fitting;
  if (only && !second) return only;
  if (ask) return ask(fitting);
  throw new TimetilesError('usage', `several hosts have backups there: ${list}`, 'Name the one to bring back with --host NAME, or its repository with --repository ID.');
}

/** `shop (repository 1f6c…): 12 sets, the newest of 2026-11-21 02:00 UTC`. Pure. */
export function describeHost({host, repositoryId, sets, newest}: FoundHost): string {
  const repository = repositoryId === null ? '' : ` (repository ${repositoryId.slice(0, 12)})`;
  return `${host}${repository}: ${plural(sets, 'set')}, ${newest === undefined ? 'none complete' : `the newest of ${formatMinute(newest)}`}`;
}
