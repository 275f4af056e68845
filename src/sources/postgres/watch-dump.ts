import {setTimeout as sleep} from 'node:timers/promises';
import type {Guard, Obstacle, Situation} from './guard.ts';

/** How often to look while pg_dump takes its locks, and later. */
const quickInterval = 50;
const calmInterval = 250;
/**
 * How long the app may wait for a dump that itself waits. Shorter than PostgreSQL's deadlock_timeout of a second, so that
 * no statement of the app is ended for the sake of a backup.
 */
const patienceWhileWaiting = 500;
/** When it is time to tell somebody that the dump waits. */
const silentMilliseconds = 5000;
/** How long it may wait for what goes on after the dump. */
const patienceAfterwards = 200;

export interface DumpWatch {
  /** When waiting for locks ends for good. */
  readonly deadline: number;
  /** How many tables pg_dump is going to lock, once that is known. */
  readonly lockable: () => number | undefined;
  /** pg_dump has all of its locks: from now on no other session can make a difference to the app. */
  readonly onLocked: (pid: number) => void;
  /** It writes rows. */
  readonly onCopies: () => void;
  /** It has been waiting for some time. */
  readonly onWaits: (obstacle: Obstacle) => void;
}

export type WatchedDump =
  | {readonly state: 'blocked'; readonly obstacle: Obstacle}
  | {
      readonly state: 'ended';
      readonly hasLocked: boolean;
      readonly hasCopied: boolean;
      /** Whether it waited for a lock when it was last looked at. */
      readonly waited: boolean;
      /** Why it could not be looked at. */
      readonly problem?: unknown;
    };

/** Looks at pg_dump until it ends, or until it has to give way; then it still runs. */
export async function watchDump(guard: Guard, ended: Promise<unknown>, watch: DumpWatch): Promise<WatchedDump> {
  const seen = {state: 'ended' as const, hasLocked: false, hasCopied: false, waited: false};
  const state = {isOver: false};
  const over = ended.catch(() => undefined).then(() => (state.isOver = true));
  let harmSince: number | undefined;
  let tellAt: number | undefined;
  while (!state.isOver) {
    let now: Situation;
    try {
      now = await guard.look();
    } catch (problem) {
      // pg_dump can do without: it has the snapshot, or says that it cannot have it.
      await over;
      return {...seen, problem};
    }
    if (state.isOver) break;
    seen.waited = now.waits;
    if (now.dump !== null && !seen.hasLocked && (now.copies || now.locked >= (watch.lockable() ?? Number.POSITIVE_INFINITY))) {
      seen.hasLocked = true;
      watch.onLocked(now.dump);
    }
    if (now.copies && !seen.hasCopied) {
      seen.hasCopied = true;
      watch.onCopies();
    }
    harmSince = now.waits && now.blocks ? (harmSince ?? Date.now()) : undefined;
    tellAt = now.waits ? (tellAt ?? Date.now() + silentMilliseconds) : undefined;
    const mustGiveWay = !seen.hasCopied && harmSince !== undefined && Date.now() - harmSince >= patienceWhileWaiting;
    const isDue = mustGiveWay || Date.now() >= watch.deadline;
    if (now.waits && (isDue || Date.now() >= (tellAt ?? 0))) {
      const obstacle = await guard.findObstacle();
      if (obstacle && isDue) return {state: 'blocked', obstacle};
      if (obstacle) watch.onWaits(obstacle);
      tellAt = Date.now() + silentMilliseconds;
    }
    await Promise.race([over, sleep(seen.hasLocked && !now.waits ? calmInterval : quickInterval)]);
  }
  return seen;
}

/** Waits for what goes on after pg_dump, and ends it when the app waits for it. */
export async function watchRest(guard: Guard, rest: Promise<unknown>, onEnded: () => void): Promise<void> {
  const state = {isOver: false};
  const over = rest.then(() => (state.isOver = true));
  let harmSince: number | undefined;
  while (!state.isOver) {
    await Promise.race([over, sleep(quickInterval)]);
    if (state.isOver) break;
    // A guard that is gone has taken its snapshot along, and with it what else there was to read.
    const {blocks} = await guard.look().catch(() => ({blocks: false}));
    harmSince = blocks ? (harmSince ?? Date.now()) : undefined;
    if (harmSince === undefined || Date.now() - harmSince < patienceAfterwards) continue;
    onEnded();
    await guard.end('count');
    await guard.end('files');
    break;
  }
  await over;
}
