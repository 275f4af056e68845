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
  const {hasEnded, ticks} = parseStat(stat);
  if (hasEnded) return undefined;
  const boot = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  return new Date((boot + ticks / ticksPerSecond) * 1000);
}

/**
 * What `/proc/PID/stat` tells (proc(5)): the program's name, whether it has ended and only nobody has taken note, and when it
 * was started, in ticks since the host was.
 */
export function parseStat(stat: string): {readonly name: string; readonly hasEnded: boolean; readonly ticks: number} {
  // The second field, the name in parentheses, may hold spaces and parentheses; starttime is the 20th after it.
  const end = stat.lastIndexOf(')');
  const fields = stat.slice(end + 2).split(' ');
  return {name: stat.slice(stat.indexOf('(') + 1, end), hasEnded: fields[0] === 'Z' || fields[0] === 'X', ticks: Number(fields[19])};
}
