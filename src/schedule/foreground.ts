import type {Log} from '../shared/log.ts';
import type {Job} from './jobs.ts';

/** One command of this tool, at work. */
export interface Step {
  /** Resolves however it ends, with its end in words. */
  readonly ended: Promise<string>;
  stop(signal: NodeJS.Signals): void;
}

export interface ForegroundOptions {
  readonly jobs: readonly Job[];
  readonly timeZone: string;
  readonly log: Log;
  readonly start: (words: readonly string[]) => Step;
  /** No further step begins; the one at work is asked to end and waited for. */
  readonly stop: AbortSignal;
  /** The step at work is killed. */
  readonly kill: AbortSignal;
}

/**
 * Runs jobs at their times, one after the other, until it is stopped. A job whose time comes while it still waits or runs
 * is not queued again.
 * @returns whether a step was interrupted
 */
export async function runInForeground(options: ForegroundOptions): Promise<'idle' | 'interrupted'> {
  const {jobs, timeZone, log, stop} = options;
  const {schedule} = await import('node-cron');
  const pending = new Set<string>();
  let queue = Promise.resolve();
  const debug = (text: string) => log.debug(text);
  let outcome: 'idle' | 'interrupted' = 'idle';
  const enqueue = (job: Job): Promise<void> => {
    if (pending.has(job.name)) return queue;
    pending.add(job.name);
    queue = after(queue, job);
    return queue;
  };
  const after = async (others: Promise<void>, job: Job) => {
    await others;
    for (const words of job.commands) if (!stop.aborted && (await runStep(options, words)) === 'interrupted') outcome = 'interrupted';
    pending.delete(job.name);
  };
  const logger = {info: debug, warn: debug, error: (message: string | Error) => log.warn(String(message)), debug: () => undefined};
  const tasks = jobs.map((job) => schedule(job.time, () => enqueue(job), {name: job.name, timezone: timeZone, noOverlap: true, logger}));
  try {
    for (const job of jobs) if (job.atStart) void enqueue(job);
    await aborted(stop);
  } finally {
    for (const task of tasks) await task.destroy();
  }
  await queue;
  return outcome;
}

/** Runs one step to its end, which a stop brings nearer. A step that cannot even be started must not end the scheduler. */
async function runStep({log, start, stop, kill}: ForegroundOptions, words: readonly string[]): Promise<'done' | 'interrupted'> {
  const label = `timetiles ${words.join(' ')}`;
  log.info(`${label}: begins`);
  const step = start(words);
  const onStop = () => step.stop('SIGTERM');
  const onKill = () => step.stop('SIGKILL');
  stop.addEventListener('abort', onStop);
  kill.addEventListener('abort', onKill);
  try {
    log.info(`${label}: ended with ${await step.ended}`);
    return stop.aborted ? 'interrupted' : 'done';
  } finally {
    stop.removeEventListener('abort', onStop);
    kill.removeEventListener('abort', onKill);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), {once: true});
  });
}
