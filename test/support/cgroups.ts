import {readdir, readFile, rmdir} from 'node:fs/promises';
import {join} from 'node:path';
import {endProcess} from './processes.ts';

/**
 * Ends every process in a control group and removes the group. A container outlives a daemon that was killed, and then
 * nothing but its group tells whose it is.
 */
export async function removeControlGroup(name: string): Promise<void> {
  for (const controller of await controllers()) await removeGroup(join(controller, name));
}

async function removeGroup(directory: string): Promise<void> {
  const entries = await readdir(directory, {withFileTypes: true}).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeGroup(join(directory, entry.name));
  }
  const processes = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of processes.split('\n').filter(Boolean)) await endProcess(Number(pid), 5000);
  await rmdir(directory).catch(() => {});
}

/** Where the hierarchies of control groups are mounted: one in version 2, one for each controller in version 1. */
async function controllers(): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8');
  const points = table.split('\n').filter((line) => / - cgroup2? /.test(line));
  return points.flatMap((line) => line.split(' ')[4] ?? []);
}
