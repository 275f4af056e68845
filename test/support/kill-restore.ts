import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {startTimetiles, type RunningTimetiles, type TimetilesOptions} from './cli.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';

/** A moment in a run of the tool: so long after it has said something, or after its start. */
export interface Moment {
  /** What it says on stderr; the start of the run when left out. */
  after?: string;
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
  const {after} = moment;
  if (after !== undefined) {
    const said = await waitUntil(() => ended || running.output().stderr.includes(after), limitMilliseconds, 1);
    if (!said || !running.output().stderr.includes(after)) {
      running.killGroup('SIGKILL');
      throw new Error(`timetiles ${args.join(' ')} never said "${after}", but:\n${running.output().stderr}`);
    }
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
