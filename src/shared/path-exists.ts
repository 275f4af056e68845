import {statSync} from 'node:fs';
import {dirname} from 'node:path';
import {meansMissing} from './errors.ts';

/**
 * Whether there is something at a path. What this user may not look at is not taken for missing.
 * @throws the system's error where that cannot be told
 */
export function pathExists(path: string): boolean {
  try {
    return statSync(path, {throwIfNoEntry: false}) !== undefined;
  } catch (error) {
    if (meansMissing(error)) return false;
    throw error;
  }
}

/** The path itself, or the nearest directory above it that exists. */
export function nearestExisting(path: string): string {
  return pathExists(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
