import {readFile, readdir} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';

/** Asks until the answer is true; false when the time is over. */
export async function waitUntil(
  question: () => boolean | Promise<boolean>,
  limitMilliseconds: number,
  pauseMilliseconds = 50,
): Promise<boolean> {
  const end = Date.now() + limitMilliseconds;
  for (;;) {
    if (await question()) return true;
    if (Date.now() >= end) return false;
    await sleep(pauseMilliseconds);
  }
}

/** Whether a process runs; one that has ended and waits for its parent to notice does not count. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    const status = await readFile(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(status.slice(status.lastIndexOf(')') + 2)[0] ?? '');
  } catch {
    return false;
  }
}

/** The command line of a process, or undefined when there is no such process. */
export async function commandLine(pid: number): Promise<string[] | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text === '' ? undefined : text.replace(/\0$/, '').split('\0');
}

/** The processes with this text in their command line, or wherever else is asked for. */
export async function processesNaming(text: string, where: 'cmdline' | 'environ' = 'cmdline'): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const words = await readFile(`/proc/${pid}/${where}`, 'utf8').catch(() => '');
    if (words.includes(text) && (await isRunning(pid))) found.push(pid);
  }
  return found;
}

/** Ends one process, politely at first, and waits until it is gone. */
export async function endProcess(pid: number, patienceMilliseconds = 30_000): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await waitUntil(async () => !(await isRunning(pid)), patienceMilliseconds)) return;
  }
  throw new Error(`Process ${pid} does not end, even after SIGKILL`);
}
