import {existsSync, readdirSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {startTimetiles, type RunningTimetiles, type TimetilesOptions} from './cli.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';

/** A moment in a run of the tool: so long after it has said something, or after its start. */
export interface Moment {
  /** What it says on stderr; the start of the run when left out. */
  after?: string;
  /** What has to be so as well, asked for every millisecond: where a time alone would be too late on a quick machine. */
  until?: () => boolean;
  milliseconds: number;
}

/** How long a run may take to say what a moment waits for. */
const limitMilliseconds = 60_000;

/** Starts the tool and sends it a signal at a moment; answers whether it still ran then. Its children do not get the signal. */
export async function signalAt(
  args: string[],
  moment: Moment,
  signal: NodeJS.Signals,
  options: TimetilesOptions & {stack: Stack},
): Promise<{running: RunningTimetiles; inTime: boolean}> {
  const running = startTimetiles(args, options);
  running.stdin.end();
  let ended = false;
  void running.exited.then(() => (ended = true));
  const {after = '', until = () => true} = moment;
  let came = false;
  await waitUntil(() => (came = running.output().stderr.includes(after) && until()) || ended, limitMilliseconds, 1);
  if (!came) {
    running.killGroup('SIGKILL');
    throw new Error(`timetiles ${args.join(' ')} never came to "${after}", but:\n${running.output().stderr}`);
  }
  await Promise.race([sleep(moment.milliseconds), running.exited]);
  const inTime = !ended;
  running.kill(signal);
  return {running, inTime};
}

/** Whether a killed restore left its journal, which the next command has to speak of. */
export function hasJournal(stack: Stack): boolean {
  return existsSync(join(stack.home, 'state', 'restore-journal.json'));
}

/** Whether a restore has begun to bring the first files in beside the live ones. */
export function hasStagedFiles(stack: Stack): boolean {
  const parent = dirname(stack.uploadsPath);
  return readdirSync(parent).some((name) => name.startsWith('.timetiles-') && existsSync(join(parent, name, 'new')) && readdirSync(join(parent, name, 'new')).length > 0);
}
