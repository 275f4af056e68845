import {databaseSource} from './database.ts';
import type {Source} from './source.ts';
import {uploadsSource} from './uploads.ts';

/** In the order of a backup: the database first, so that every file that a row names is in the set. */
export const sources: readonly Source[] = [databaseSource, uploadsSource];

export function sourceByName(name: string): Source | undefined {
  return sources.find((source) => source.name === name);
}
