import {accessSync, constants, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';

/** The app's own script, whose name this tool has taken on this server. */
export interface AppScript {
  readonly path: string;
  /** Whether bin/timetiles can hand commands to it. */
  readonly isThere: boolean;
}

/**
 * Where the app's own script is, as bootstrap recorded it beside the installed versions; undefined where there was none.
 * @param environment in which bin/timetiles tells by which path it was called
 */
export function findAppScript(environment: Readonly<Record<string, string | undefined>>): AppScript | undefined {
  const root = environment['TIMETILES_ROOT'];
  if (root === undefined || !root.endsWith('/current')) return undefined;
  try {
    const [path = ''] = readFileSync(join(root, '..', 'app-script'), 'utf8').split('\n');
    return path === '' ? undefined : {path, isThere: canRun(path)};
  } catch {
    return undefined;
  }
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
