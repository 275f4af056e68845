import {baseEnvironment} from './environment.ts';
import {describeEnd, runCommand} from './run.ts';

/** Removes a directory with all it holds. rm(1), because Node's own stops at names that are no UTF-8. Never leaves the file system. */
export async function removeTree(path: string): Promise<void> {
  const result = await runCommand({file: 'rm', args: ['--recursive', '--force', '--one-file-system', '--', path], env: baseEnvironment()});
  if (result.exitCode !== 0) throw new Error(`${path} could not be removed: ${result.stderr.trim() || describeEnd(result)}`);
}
