import {baseEnvironment} from '../process/environment.ts';
import {describeEnd, runCommand, type CommandResult} from '../process/run.ts';
import {TimetilesError} from '../shared/errors.ts';
import type {CrontabText} from './crontab-block.ts';

/** Seconds; the program reads or writes one small file. */
const limit = 60;

/**
 * Reads a crontab through crontab(1).
 * @param user another user's, which only root may ask for; without it the invoking user's
 * @throws TimetilesError `program-missing` without cron, `schedule` when this user may not have a crontab
 */
export async function readCrontab(user?: string): Promise<CrontabText> {
  const result = await crontab([...ofUser(user), '-l']);
  if (result.exitCode === 0) return withCarriageReturns(result.stdout);
  // Debian's and cronie's words, then busybox's.
  if (/no crontab for|can't open .*No such file/i.test(result.stderr)) return undefined;
  throw crontabError('cannot be read', result);
}

/**
 * Writes the invoking user's crontab, or removes it, and reads it back.
 * @param user another user's, which only root may ask for
 * @returns what is there now: Debian's cron takes no text without a newline at its end, and gets one added
 */
export async function writeCrontab(text: CrontabText, user?: string): Promise<CrontabText> {
  const result = text === undefined ? await crontab([...ofUser(user), '-r']) : await crontab([...ofUser(user), '-'], text);
  if (result.exitCode !== 0 && text !== undefined && !text.endsWith('\n') && /newline/i.test(result.stderr)) return writeCrontab(`${text}\n`, user);
  if (result.exitCode !== 0) throw crontabError('cannot be written', result);
  if ((await readCrontab(user)) === text) return text;
  throw new TimetilesError('schedule', 'the crontab does not read back as it was written', 'See what is in it (crontab -l); something else may be writing it at the same time. Then run the command again.');
}

/**
 * Debian's crontab -l writes each carriage return as the two characters \r, and cron would not take these back: at the end
 * of a line that is what they are. Exported for tests.
 */
export function withCarriageReturns(listed: string): string {
  return listed.replaceAll(/\\r$/gm, '\r');
}

function crontab(args: readonly string[], text?: string): Promise<CommandResult> {
  return runCommand({
    file: 'crontab',
    args,
    env: {...baseEnvironment(), LC_ALL: 'C'},
    encoding: 'latin1',
    limit,
    ...(text !== undefined && {stdin: {text}}),
  });
}

function ofUser(user: string | undefined): string[] {
  return user === undefined ? [] : ['-u', user];
}

function crontabError(what: string, result: CommandResult): TimetilesError {
  const words = result.stderr.trim().replaceAll(/\s*\n\s*/g, ' ') || describeEnd(result);
  const next = /not allowed/i.test(result.stderr) ? 'Add this user to /etc/cron.allow, or take it out of /etc/cron.deny.' : 'Try it by hand: crontab -l. Hosts without cron can use: timetiles scheduler';
  return new TimetilesError('schedule', `the crontab ${what}: ${words}`, next);
}
