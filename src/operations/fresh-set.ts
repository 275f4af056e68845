import {setTimeout as sleep} from 'node:timers/promises';
import {repositoryExists} from '../restic/handle.ts';
import {formatSeconds} from '../shared/format.ts';
import type {Context} from './context.ts';
import {readHostNames} from './host-names.ts';
import {readKnownSets, type KnownSet} from './known-sets.ts';

/** What `--if-older-than` found: a set that makes another one needless. */
export interface FreshSet {
  readonly state: 'fresh';
  readonly set: string;
  readonly time: Date;
}

/**
 * The newest finished set of this host with all these sources, if it is no older than so many seconds. To be asked under
 * the lock, so that of two runs at once the later one sees what the earlier one made.
 */
export async function findFreshSet(context: Context, sources: readonly string[], seconds: number): Promise<FreshSet | undefined> {
  if (!repositoryExists(context.restic)) return undefined;
  return freshOf(await readKnownSets(context), {sources, seconds, hostNames: readHostNames(context), now: context.clock.now()});
}

/**
 * The same, pure. Sets of the earlier command line do not count: it may be switched off by now. A set with unreadable files counts: another one would be no better. One from the future does not, since
 * it would keep the backups away for as long.
 */
export function freshOf(sets: readonly KnownSet[], wanted: {sources: readonly string[]; seconds: number; hostNames: ReadonlySet<string>; now: Date}): FreshSet | undefined {
  const isFinished = (set: KnownSet) => set.isFinished && !set.isSafety && !set.isImported && !set.isEarlier && wanted.hostNames.has(set.host);
  const hasAll = (set: KnownSet) => wanted.sources.every((source) => set.sources.some((candidate) => candidate.source === source));
  const age = (set: KnownSet) => (wanted.now.getTime() - set.time.getTime()) / 1000;
  const fresh = sets.find((set) => isFinished(set) && hasAll(set) && age(set) >= 0 && age(set) <= wanted.seconds);
  return fresh && {state: 'fresh', set: fresh.id, time: fresh.time};
}

/** Waits a random time, so that many hosts with one schedule do not begin at once. @throws the signal's reason when aborted */
export async function delayAtRandom({log, signal}: Pick<Context, 'log' | 'signal'>, limitSeconds: number, random: () => number = Math.random): Promise<void> {
  const seconds = Math.round(random() * limitSeconds);
  if (seconds === 0) return;
  log.info(`beginning in ${formatSeconds(seconds)}: a random delay of up to ${formatSeconds(limitSeconds)}`);
  await sleep(seconds * 1000, undefined, {signal}).catch(() => signal.throwIfAborted());
}
