import {readdirSync, readFileSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {parseStat} from '../process/host.ts';
import {isProgram} from '../process/is-program.ts';

const daemonNames = ['cron', 'crond'];
const directories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** The daemon that would run a crontab. */
export interface CronDaemon {
  readonly installed: boolean;
  /** Null when this user cannot see other users' processes. */
  readonly running: boolean | null;
  /** What to do about it; null when it runs, or may. */
  readonly remedy: string | null;
}

/** Looks whether a cron daemon is installed on this host, and runs. @param proc for tests */
export function findCronDaemon(proc = '/proc'): CronDaemon {
  const running = isRunning(proc);
  const installed = running === true || directories.some((directory) => daemonNames.some((name) => isProgram(join(directory, name))));
  if (!installed) return {installed, running, remedy: 'Install cron: apt-get install cron'};
  return {installed, running, remedy: running === false ? 'Start cron: service cron start (with systemd: systemctl enable --now cron)' : null};
}

function isRunning(proc: string): boolean | null {
  const own = namespaceOf(proc, 'self');
  let seesOthers = false;
  for (const pid of readdirSync(proc)) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const stat = readFileSync(join(proc, pid, 'stat'), 'latin1');
      if (pid === '1') seesOthers = true;
      const {name, hasEnded} = parseStat(stat);
      // The cron of a container does not run this host's crontabs.
      const namespace = namespaceOf(proc, pid);
      if (daemonNames.includes(name) && !hasEnded && (namespace === undefined || namespace === own)) return true;
    } catch {
      // It has ended meanwhile.
    }
  }
  return seesOthers ? false : null;
}

function namespaceOf(proc: string, pid: string): string | undefined {
  try {
    return readlinkSync(join(proc, pid, 'ns', 'pid'));
  } catch {
    return undefined;
  }
}
