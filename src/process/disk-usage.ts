import {baseEnvironment} from './environment.ts';
import {describeEnd, runCommand} from './run.ts';

/** How many bytes of the disk a directory takes with all it holds; a hard-linked file counts once. */
export async function diskUsage(path: string): Promise<number> {
  const result = await runCommand({file: 'du', args: ['--summarize', '--block-size=1', '--', path], env: baseEnvironment()});
  const bytes = Number.parseInt(result.stdout, 10);
  if (result.exitCode === 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new Error(`the size of ${path} could not be read: ${result.stderr.trim() || describeEnd(result)}`);
}
