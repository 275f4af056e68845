import {waitUntil} from '../shared/wait.ts';
import {baseEnvironment} from './environment.ts';
import {describeEnd, runCommand, type CommandResult} from './run.ts';

/** A child of a killed run may write its last file while the tree is removed; then it is tried again. */
const retry = {limit: 5000, interval: 500};

/** Removes a directory with all it holds. rm(1), because Node's own stops at names that are no UTF-8. Never leaves the file system. */
export async function removeTree(path: string): Promise<void> {
  let last: CommandResult | undefined;
  const done = await waitUntil(async () => {
    last = await runCommand({file: 'rm', args: ['--recursive', '--force', '--one-file-system', '--', path], env: baseEnvironment()});
    return last.exitCode === 0;
  }, retry);
  if (!done && last) throw new Error(`${path} could not be removed: ${last.stderr.trim() || describeEnd(last)}`);
}
