import {runCommand, startCommand, type CommandRequest, type CommandResult, type RunningCommand} from '../process/run.ts';
import type {ResticHandle} from './handle.ts';
import {resticError} from './errors.ts';
import {watchOutage} from './outage.ts';

type Options = Pick<CommandRequest, 'stdin' | 'stdout' | 'onStderrLine' | 'cwd' | 'limit' | 'neverOrphaned'>;

/** Seconds that a question to a repository may take, on a slow disk with a hundred thousand snapshots. */
export const questionLimit = 600;

/**
 * Starts restic. Every run ends with SIGINT when this tool dies, so that restic removes its own lock, and when its repository has not answered for
 * minutes; that is then what it says last.
 */
export function startRestic(handle: ResticHandle, args: readonly string[], options: Options = {}): RunningCommand {
  const outage = watchOutage();
  const onStderrLine = (line: string) => {
    options.onStderrLine?.(line);
    if (outage.isLasting(line)) running.stop();
  };
  const running = startCommand({
    file: 'restic',
    args: [...handle.options.flatMap((option) => ['-o', option]), ...args],
    env: handle.environment,
    signal: handle.signal,
    interruptWhenOrphaned: true,
    ...options,
    onStderrLine,
  });
  const result = running.result.then((ended) => {
    const said = outage.said();
    return said === undefined || ended.exitCode === 0 ? ended : {...ended, exitCode: 1, signal: undefined, stderr: `${ended.stderr}\nFatal: ${said}`};
  });
  result.catch(() => undefined);
  return {...running, result};
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
