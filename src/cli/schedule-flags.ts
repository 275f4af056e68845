import {Flags} from '@oclif/core';
import {durationFlag, secondsOf} from './duration-flag.ts';

/** The flags that say what shall run by itself. */
export const scheduleFlags = {
  offsite: Flags.boolean({description: 'copy offsite after each backup', default: false}),
  schedule: Flags.string({helpValue: 'CRON', description: 'when to make a backup, as a cron expression', default: '0 2 * * *'}),
  'random-delay': durationFlag('begin each backup up to so much later, at random; default: BACKUP_RANDOM_DELAY'),
};

/** What an operation needs of them. */
export function planRequest(flags: {offsite: boolean; schedule: string; 'random-delay'?: string | undefined}) {
  return {offsite: flags.offsite, schedule: flags.schedule, randomDelay: secondsOf(flags, 'random-delay')};
}
