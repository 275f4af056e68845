import {statSync} from 'node:fs';
import {dirname} from 'node:path';
import {systemCode} from './errors.ts';

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

/** Whether a system error says that there is nothing at a path. */
export function meansMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The path itself, or the nearest directory above it that exists. */
export function nearestExisting(path: string): string {
  return pathExists(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
