import {readFile} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {systemCode} from '../../src/shared/errors.ts';
import {processesNaming, commandLine} from './processes.ts';
import type {Stack} from './stack.ts';

/** A pg_dump in the stack's container that stands still in the middle of its work. */
export interface HeldDump {
  /** Its process, as this host numbers it. */
  pid: number;
  resume(): void;
}

/** Waits until pg_dump has written so much, and stops it there, so that a test has all the time it needs. */
export async function holdDump(stack: Stack, megabytes = 8, limitSeconds = 60): Promise<HeldDump> {
  const end = Date.now() + limitSeconds * 1000;
  for (;;) {
    const pid = await waitForProcess(stack, (end - Date.now()) / 1000, findDump);
    const written = await holdAfter(pid, megabytes * 1_000_000);
    if (written) return {pid, resume: () => void process.kill(pid, 'SIGCONT')};
    // It was one that an earlier backup had left, and has ended.
  }
}

/** It may write faster than anybody can look: it is let go for a few milliseconds at a time. @returns false when it has ended */
async function holdAfter(pid: number, bytes: number): Promise<boolean> {
  try {
    for (;;) {
      process.kill(pid, 'SIGSTOP');
      const written = Number(/^wchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1]);
      if (written >= bytes) return true;
      process.kill(pid, 'SIGCONT');
      await sleep(5);
    }
  } catch (error) {
    if (['ESRCH', 'ENOENT'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}

/** Waits until the restic that stores this, `.` for the uploads, runs, and answers its process id. */
export function resticStoring(stack: Stack, path: string, limitSeconds = 60): Promise<number> {
  return waitForProcess(stack, limitSeconds, async () => {
    for (const pid of await processesNaming(stack.userHome, 'environ')) {
      const [program = '', ...words] = (await commandLine(pid)) ?? [];
      if (program.endsWith('restic') && words.includes(path)) return pid;
    }
    return undefined;
  });
}

async function waitForProcess(stack: Stack, limitSeconds: number, find: (stack: Stack) => Promise<number | undefined>): Promise<number> {
  const end = Date.now() + limitSeconds * 1000;
  for (;;) {
    const pid = await find(stack);
    if (pid !== undefined) return pid;
    if (Date.now() > end) throw new Error(`no such process in ${limitSeconds} seconds`);
    await sleep(10);
  }
}

async function findDump(stack: Stack): Promise<number | undefined> {
  for (const pid of await processesNaming(`PGDATABASE=${stack.database}`, 'environ')) {
    const [program = ''] = (await commandLine(pid)) ?? [];
    // Containers of other stacks have databases of the same name; each has a control group of its own.
    if (/(^|\/)pg_dump$/.test(program) && (await sharesContainer(stack, pid))) return pid;
  }
  return undefined;
}

async function sharesContainer(stack: Stack, pid: number): Promise<boolean> {
  const {stdout} = await stack.docker(['inspect', '--format', '{{.Id}}', stack.postgres]);
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return groups.includes(stdout.trim());
}
