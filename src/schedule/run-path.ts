import {isAbsolute, join} from 'node:path';
import {isProgram} from '../process/is-program.ts';

const usualDirectories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** What a run starts. */
const programs = ['restic', 'docker', 'flock', 'setpriv'];

/**
 * The PATH of scheduled runs: the usual directories, and before them those where this shell finds the programs that a run
 * needs, so that a night uses the same ones. A PATH like npm's or a login's own holds much that should not be relied on.
 */
export function runPath(shellPath: string): string {
  const directories = shellPath.split(':').filter((directory) => isAbsolute(directory));
  const found = programs.map((program) => directories.find((directory) => isProgram(join(directory, program))));
  const unusual = found.filter((directory) => directory !== undefined).filter((directory) => !usualDirectories.includes(directory));
  return [...new Set([...unusual, ...usualDirectories])].join(':');
}
