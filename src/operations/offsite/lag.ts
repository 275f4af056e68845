import {messageOf} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import type {BackupSet} from '../sets.ts';
import {readState} from './state.ts';
import {offsiteTarget, type OffsiteTarget} from './target.ts';

/** How far the offsite copy is behind, as this host knows it. */
export interface OffsiteLag {
  readonly url: string;
  /** The newest complete set there; null when none is known to be. */
  readonly newest: string | null;
  readonly copied: Date | null;
  /** Complete sets here that are newer. */
  readonly sets: number;
  readonly last: {readonly state: 'done' | 'failed'; readonly time: Date; readonly message: string} | null;
}

/** The lag against the sets of the local repository; undefined when no offsite copy is configured, or wrongly. */
export function offsiteLag(context: Context, local: readonly Pick<BackupSet, 'id' | 'state'>[]): OffsiteLag | undefined {
  const target = targetIfSound(context);
  if (!target) return undefined;
  const {newest, last} = readState(target);
  return {
    url: target.shownUrl,
    newest: newest?.set ?? null,
    copied: newest ? new Date(newest.copied) : null,
    sets: countNewer(local, newest?.set),
    last: last ? {...last, time: new Date(last.time)} : null,
  };
}

/** A mistake in the offsite configuration must not keep the local sets from being shown. */
function targetIfSound(context: Context): OffsiteTarget | undefined {
  try {
    return offsiteTarget(context);
  } catch (error) {
    context.log.warn(`offsite: ${messageOf(error)}`);
    return undefined;
  }
}

/** How many complete sets are newer than one of them, or all when there is none. Ids sort by time. Pure. */
export function countNewer(sets: readonly Pick<BackupSet, 'id' | 'state'>[], newest: string | undefined): number {
  return sets.filter((set) => set.state === 'complete' && (newest === undefined || set.id > newest)).length;
}
