import {realpathSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';

/**
 * The path by which a file of this tool can be found after an upgrade too. Bootstrap keeps versions side by side and a link
 * `current` to one of them; a crontab must not name the version, which an upgrade replaces.
 */
export function lastingPath(path: string): string {
  for (let directory = dirname(path); directory !== dirname(directory); directory = dirname(directory)) {
    const current = join(dirname(directory), 'current');
    if (basename(directory) !== 'current' && realPathOf(current) === realPathOf(directory)) return join(current, path.slice(directory.length));
  }
  return path;
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
