import {readFileSync} from 'node:fs';
import {systemCode} from './errors.ts';

/** The text of a file; undefined where there is none. @throws the system's error where there is one that cannot be read */
export function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The same for what can do without: undefined also where it cannot be read. */
export function readTextOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
