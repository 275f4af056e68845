import {durationText} from '../shared/duration.ts';
import type {CronSchedule} from './cron-expression.ts';
import {pausesOf} from './pauses.ts';

const hour = 3600;
/** The longest that a nightly or weekly job waits for another run: a first upload may take so long. */
const longWait = 6 * hour;

/** What the operator wants to happen by itself. */
export interface Plan {
  readonly schedule: CronSchedule;
  readonly offsite: boolean;
  /** Seconds; 0: none. */
  readonly randomDelay: number;
  /** Whether a set is restored for a test each month. */
  readonly restoreTests: boolean;
}

/** Commands of this tool that run one after the other, whatever becomes of the one before. */
export interface Job {
  readonly name: string;
  /** A cron expression. */
  readonly time: string;
  /** Also once after the host, or the scheduler, has started. */
  readonly atStart: boolean;
  readonly commands: readonly (readonly string[])[];
}

/** Everything that runs by itself; cron and `timetiles scheduler` do the same. */
export function jobsOf({schedule, offsite, randomDelay, restoreTests}: Plan): Job[] {
  const pauses = pausesOf(schedule.fields);
  const backup = ['backup', ...(offsite ? ['--offsite'] : [])];
  // Runs that wait for each other must not pile up.
  const wait = Math.min(longWait, Math.floor(pauses.shortest / 2));
  // The delay counts too, else the missed run would be made up for while the next one is only delayed.
  const overdue = Math.ceil(pauses.longest / hour) * hour + hour + Math.ceil(randomDelay / hour) * hour;
  const delay = randomDelay > 0 ? ['--random-delay', durationText(randomDelay)] : [];
  return [
    {name: 'backup', time: schedule.text, atStart: false, commands: [[...backup, '--wait', durationText(wait), ...delay]]},
    {name: 'catch-up', time: '17 * * * *', atStart: true, commands: [[...backup, '--wait', '30m', '--if-older-than', durationText(overdue)]]},
    {
      name: 'weekly care',
      time: '30 4 * * 0',
      atStart: false,
      commands: [
        ['backup', 'prune', '--wait', durationText(longWait)],
        ['backup', 'verify', '--read-data=10%', '--wait', durationText(longWait)],
      ],
    },
    ...(restoreTests ? [{name: 'restore test', time: '30 5 1 * *', atStart: false, commands: [['backup', 'verify', '--restore-test', '--wait', durationText(longWait)]]}] : []),
  ];
}
