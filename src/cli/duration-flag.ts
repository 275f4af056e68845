import {Flags} from '@oclif/core';
import {durationHint, parseDuration} from '../shared/duration.ts';
import {TimetilesError} from '../shared/errors.ts';

/** A flag such as `--wait 10m`, whose value are seconds. @throws TimetilesError `usage` */
export function durationFlag(name: string, description: string) {
  return Flags.custom<number>({
    helpValue: 'DURATION',
    description,
    parse: async (text) => {
      const seconds = parseDuration(text);
      if (seconds === undefined) throw new TimetilesError('usage', `--${name}=${text} is no duration`, `Write ${durationHint}.`);
      return seconds;
    },
  })();
}

/** The flag of every command that takes the repository's lock at night. */
export const waitFlag = {wait: durationFlag('wait', 'wait so long for another run to end, such as 10m; without it exit 4 at once')};
