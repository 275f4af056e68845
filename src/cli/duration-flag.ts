import {Flags} from '@oclif/core';
import {durationHint, parseDuration} from '../shared/duration.ts';
import {TimetilesError} from '../shared/errors.ts';

/** A flag such as `--wait 10m`, to be read by `secondsOf`: oclif would garble what a parser of its own throws. */
export function durationFlag(description: string) {
  return Flags.string({helpValue: 'DURATION', description});
}

/** The flag of every command that takes the repository's lock at night. */
export const waitFlag = {wait: durationFlag('wait so long for another run to end, such as 10m; without it exit 4 at once')};

/** The seconds that a flag was given; undefined without it. @throws TimetilesError `usage` */
export function secondsOf<Name extends string>(flags: Readonly<Partial<Record<Name, string | undefined>>>, name: Name): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new TimetilesError('usage', `--${name}=${text} is no duration`, `Write ${durationHint}.`);
  return seconds;
}
