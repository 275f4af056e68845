import {readFileSync} from 'node:fs';

/** The kernel counts in hundredths of a second towards user space on every Linux (USER_HZ, proc(5)). */
const ticksPerSecond = 100;

/**
 * When a process of this host was started, to the second; undefined when there is no such process, or when it has ended and
 * nobody has taken note: in a container without an init, orphans stay so for ever.
 */
export function startOfProcess(pid: number): Date | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field, the program's name in parentheses, may hold spaces; starttime is the 20th after it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const ticks = Number(fields[19]);
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  return new Date((boot + ticks / ticksPerSecond) * 1000);
}
