import {readdir, readFile} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';

/** Every command line on this machine while `work` runs, as often as it can be looked at. */
export async function commandLinesDuring(work: Promise<unknown>): Promise<string[]> {
  const seen = new Set<string>();
  const state = {over: false};
  const end = work.finally(() => (state.over = true));
  while (!state.over) {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    for (const line of lines) seen.add(line.replaceAll('\0', ' ').trim());
    await sleep(3);
  }
  await end;
  return [...seen];
}
