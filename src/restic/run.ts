import {runCommand, startCommand, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import type {ResticHandle} from './handle.ts';
import {resticError} from './errors.ts';

type Options = Pick<CommandRequest, 'stdin' | 'stdout' | 'onStderrLine' | 'cwd' | 'limit' | 'neverOrphaned'>;

/** Seconds that a question to a repository may take, on a slow disk with a hundred thousand snapshots. */
export const questionLimit = 600;

/** Starts restic. Every run ends with SIGINT when this tool dies, so that restic removes its own lock. */
export function startRestic(handle: ResticHandle, args: readonly string[], options: Options = {}): RunningCommand {
  return startCommand({file: 'restic', args: [...handle.options.flatMap((option) => ['-o', option]), ...args], env: handle.environment, signal: handle.signal, interruptWhenOrphaned: true, ...options});
}

/**
 * Runs restic and returns its output.
 * @param action what is being done, for the error: "listing snapshots"
 * @throws TimetilesError of the kind that fits restic's exit code and words
 */
export async function runRestic(handle: ResticHandle, action: string, args: readonly string[], options: Options = {}): Promise<CommandResult> {
  const result = await startRestic(handle, args, options).result;
  if (result.exitCode !== 0) throw resticError(handle, action, result);
  return result;
}

/** Runs restic without a repository, as for `restic version`. */
export async function runResticAlone(handle: ResticHandle, args: readonly string[]): Promise<CommandResult> {
  return runCommand({file: 'restic', args, env: handle.environment, signal: handle.signal, limit: 60});
}
