import {databaseSource, databaseSourceByName} from './database.ts';
import type {Source} from './source.ts';
import {uploadsSource} from './uploads.ts';

/**
 * The first source of each kind, in the order of a backup: the database first, so that every file that a row names is in
 * the set. Further ones of a kind come from `findSources`.
 */
export const sources: readonly Source[] = [databaseSource(), uploadsSource];

/** The source of that name, also one of several of its kind. */
export function sourceByName(name: string): Source | undefined {
  return name === uploadsSource.name ? uploadsSource : databaseSourceByName(name);
}
