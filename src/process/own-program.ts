import {realpathSync} from 'node:fs';
import {join} from 'node:path';

/** The two words that start this tool: a Node and the program, both absolute. */
export interface OwnProgram {
  readonly node: string;
  readonly program: string;
}

export interface OwnPlace {
  /** The directory of this tool as Node resolved it. */
  readonly root: string;
  readonly execPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * How this tool is started again, tonight or in a year. Node resolves every symlink, and so names the version that runs now; bin/timetiles
 * tells in TIMETILES_ROOT by which path it was called, which after an upgrade leads to the new one.
 */
export function ownProgram({root, execPath, environment}: OwnPlace): OwnProgram {
  const called = environment['TIMETILES_ROOT'];
  const base = called !== undefined && isSame(called, root) ? called : root;
  const runtime = join(base, 'runtime', 'bin', 'node');
  return {node: isSame(runtime, execPath) ? runtime : execPath, program: join(base, 'bin', 'run.js')};
}

function isSame(path: string, other: string): boolean {
  try {
    return realpathSync(path) === realpathSync(other);
  } catch {
    return false;
  }
}
