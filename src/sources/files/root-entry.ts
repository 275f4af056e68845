import {baseEnvironment} from '../../process/environment.ts';
import {describeEnd, runCommand} from '../../process/run.ts';

/**
 * Mode, owner, time, ACL and extended attributes of a directory itself, as a tar archive of that one entry in base64.
 * restic keeps what is in the directory, not the directory, when its path must not show in the snapshot; and Node
 * cannot read extended attributes.
 */
export async function readRootEntry(directory: string): Promise<string> {
  const script = 'tar --create --no-recursion --format=posix --numeric-owner --xattrs --xattrs-include="*" --acls --blocking-factor=1 --directory="$1" . | base64 --wrap=0';
  return runShell(script, directory);
}

/** Gives a directory what `readRootEntry` read of another. */
export async function applyRootEntry(directory: string, entry: string): Promise<void> {
  const script = 'base64 --decode | tar --extract --same-owner --numeric-owner --same-permissions --xattrs --xattrs-include="*" --acls --directory="$1"';
  await runShell(script, directory, entry);
}

async function runShell(script: string, directory: string, input?: string): Promise<string> {
  const result = await runCommand({
    file: 'bash',
    args: ['-o', 'pipefail', '-c', script, 'bash', directory],
    env: baseEnvironment(),
    ...(input !== undefined && {stdin: {text: input}}),
  });
  if (result.exitCode === 0) return result.stdout;
  throw new Error(`the attributes of ${directory} could not be copied: ${result.stderr.trim() || describeEnd(result)}`);
}

