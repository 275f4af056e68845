import {closeSync, constants, mkdtempSync, openSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {writeBytes} from '../shared/write-bytes.ts';
import {runCommand, startCommand, type RunningCommand} from './run.ts';
import {baseEnvironment} from './environment.ts';

/**
 * Waits until its input ends, which is when this process dies, and makes sure that the reader was told to give up
 * before it lets go of the pipe. A reader that waits for data (restic since 0.17) only ends once the pipe does.
 */
const holderScript = 'read -r _; kill -INT "$1" 2>/dev/null; exec sleep 2';

/**
 * A kernel pipe between two children whose end is held back: the reader sees the end of the stream only after
 * `finish`. A second holder of the writing end, a child, keeps the end back when this process is killed, until the
 * reader has been interrupted, so that a half stream can never look whole.
 */
export interface HeldPipe {
  /** The reading end, to be inherited by the consumer. */
  readonly readFd: number;
  /** The writing end, to be inherited by the producer. */
  readonly writeFd: number;
  /** To be called once the consumer runs: closes our copy of the reading end and starts the second holder. */
  consumerStarted(pid: number): void;
  /** Writes the rest, if any, and lets the consumer see the end. */
  finish(text?: string): Promise<void>;
  /** Closes everything; the consumer must have been told to stop before. Safe to call twice and after `finish`. */
  close(): Promise<void>;
}

/** Opens the pipe by way of a named one (mode 0600) that is unlinked before anybody else could open it. */
export async function openHeldPipe(): Promise<HeldPipe> {
  const directory = mkdtempSync(join(tmpdir(), 'timetiles-'));
  const path = join(directory, 'pipe');
  let readFd: number;
  let writeFd: number;
  try {
    const made = await runCommand({file: 'mkfifo', args: ['-m', '600', path], env: baseEnvironment()});
    if (made.exitCode !== 0) throw new Error(`mkfifo failed: ${made.stderr.trim()}`);
    // Opening for reading and writing does not wait for the other side; the others then find one.
    const both = openSync(path, constants.O_RDWR);
    readFd = openSync(path, constants.O_RDONLY);
    writeFd = openSync(path, constants.O_WRONLY);
    closeSync(both);
  } finally {
    rmSync(directory, {recursive: true, force: true});
  }

  let holder: RunningCommand | undefined;
  const open = new Set([readFd, writeFd]);
  const closeFd = (fd: number) => {
    if (open.delete(fd)) closeSync(fd);
  };
  const close = async () => {
    closeFd(readFd);
    if (holder) {
      holder.stop('SIGKILL');
      await holder.result;
      holder = undefined;
    }
    closeFd(writeFd);
  };
  return {
    readFd,
    writeFd,
    consumerStarted(pid) {
      closeFd(readFd);
      holder = startCommand({
        file: 'sh',
        args: ['-c', holderScript, 'holder', String(pid)],
        env: baseEnvironment(),
        stdin: 'pipe',
        stdout: {fd: writeFd},
      });
    },
    async finish(text) {
      // Never in one go: while a reader that is stuck has the pipe full, this process has to go on.
      if (text !== undefined) await writeBytes(writeFd, Buffer.from(text, 'utf8'));
      await close();
    },
    close,
  };
}
