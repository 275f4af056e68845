import {readFileSync, readlinkSync} from 'node:fs';

/** The next runs of a schedule in a time zone, as node-cron sees them: a run in the gap of a clock change is none. */
export async function nextRuns(schedule: string, timeZone: string, count: number): Promise<Date[]> {
  const {createTask} = await import('node-cron');
  const task = createTask(schedule, () => undefined, {timezone: timeZone});
  try {
    return task.getNextRuns(count);
  } finally {
    await task.destroy();
  }
}

/** The time zone of this process: what TZ says, else the host's. */
export function processTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The host's own time zone, which cron goes by, whatever TZ says in the shell of whoever asks. */
export function hostTimeZone(): string {
  const candidates = [
    () => /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(readlinkSync('/etc/localtime'))?.[1],
    () => readFileSync('/etc/timezone', 'utf8').trim(),
  ];
  for (const candidate of candidates) {
    try {
      const zone = candidate();
      if (zone !== undefined && Intl.DateTimeFormat(undefined, {timeZone: zone})) return zone;
    } catch {
      // Not every system has both, and either may hold a name that this Node does not know.
    }
  }
  return processTimeZone();
}
