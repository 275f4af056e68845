import type {Epoch} from './ledger.ts';
import {newSetId} from '../shared/set-id.ts';

const day = 86_400_000;

/** A new epoch; its name sorts by time, as the ids of sets do. */
export function newEpoch(now: Date): Epoch {
  return {name: newSetId(now), begun: now};
}

/** Whether a name below a repository's id is that of an epoch. */
export function isEpochName(name: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-f]{4}$/.test(name);
}

/**
 * Why a new epoch has to begin now, or undefined when the present one goes on.
 *
 * A bucket that expires objects after `expireDays` takes an epoch apart from its first object on. A new one begins every
 * third of that time, so that what a dead or robbed host left behind stays whole for two thirds of it. Backups come once
 * a day, so it begins on the last night before the third is over, not on the first one after.
 */
export function reasonForNewEpoch(epoch: Epoch | undefined, expireDays: number, now: Date): string | undefined {
  if (!epoch) return 'nothing is known to be there yet';
  if (expireDays === 0) return undefined;
  const age = now.getTime() - epoch.begun.getTime();
  return age + day > (expireDays * day) / 3 ? `the bucket expires objects after ${expireDays} days (OFFSITE_EXPIRE_DAYS)` : undefined;
}
