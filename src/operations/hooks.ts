import {baseEnvironment} from '../process/environment.ts';
import {describeEnd, runCommand} from '../process/run.ts';
import {TimetilesError} from '../shared/errors.ts';
import type {Context} from './context.ts';

/** Seconds that a command of the operator may take. */
const hookLimit = 3600;

/**
 * Runs one of the operator's own commands by the shell; what it prints goes to the log.
 * @param variables told to the command in its environment
 * @throws TimetilesError `hook` when it fails; without the command itself, which may hold a token
 */
export async function runHook(context: Context, key: 'BACKUP_PRE_COMMAND' | 'BACKUP_POST_COMMAND', variables: Record<string, string>): Promise<void> {
  const command = context.settings[key];
  if (command === undefined) return;
  context.log.info(`running ${key}`);
  const result = await runCommand({
    file: 'sh',
    args: ['-c', command],
    env: {...context.configuration.commandVariables, ...baseEnvironment(), ...variables},
    signal: context.signal,
    limit: hookLimit,
    stdout: {onLine: (line) => context.log.info(line)},
    onStderrLine: (line) => context.log.info(line),
  });
  if (result.exitCode !== 0) throw new TimetilesError('hook', `${key} failed with ${describeEnd(result)}`, `Run the command by hand, and correct ${key} in the configuration.`);
}
