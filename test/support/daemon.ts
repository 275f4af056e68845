import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdir, open} from 'node:fs/promises';
import {join} from 'node:path';

/** A program started in the background. */
export interface Daemon {
  name: string;
  log: string;
  hasEnded(): boolean;
}

/**
 * Starts a program that outlives a Ctrl-C meant for the tests, so that they can still clean up through it.
 * @param name what the log is called: the first word of the command unless told
 */
export async function startDaemon([program = '', ...args]: string[], directory: string, name = program): Promise<Daemon> {
  await mkdir(directory, {recursive: true});
  const log = join(directory, `${name}.log`);
  const output = await open(log, 'w');
  try {
    const child = spawn(program, args, {detached: true, stdio: ['ignore', output.fd, output.fd]});
    let ended = false;
    child.once('exit', () => (ended = true));
    // Rejects when there is no such program.
    await once(child, 'spawn');
    child.unref();
    return {name, log, hasEnded: () => ended};
  } finally {
    await output.close();
  }
}
