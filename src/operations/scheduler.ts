import type {OwnProgram} from '../process/own-program.ts';
import {describeEnd, startCommand} from '../process/run.ts';
import {localText} from '../schedule/clock-changes.ts';
import {runInForeground, type Step} from '../schedule/foreground.ts';
import {jobsOf} from '../schedule/jobs.ts';
import {nextRuns, processTimeZone} from '../schedule/next-runs.ts';
import {messageOf} from '../shared/errors.ts';
import type {Context} from './context.ts';
import {configFileOf} from './schedule.ts';
import {planOf, type PlanRequest} from './schedule-install.ts';

export interface SchedulerRequest extends PlanRequest {
  /** What each step starts. */
  readonly tool: OwnProgram;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly quiet: boolean;
  /** Gets every line that a job prints; it is redacted already. */
  readonly print: (line: string) => void;
  /** The step at work is killed. */
  readonly kill: AbortSignal;
}

export interface SchedulerOutcome {
  /** Whether a step was at work when the stop came; it was asked to end, and has. */
  readonly state: 'idle' | 'interrupted';
}

/**
 * The schedule of `backup auto` without cron: each step is a process of this tool, so that its end, whatever it is, leaves
 * the scheduler running. Ends when the context is aborted.
 */
export async function runScheduler(context: Context, request: SchedulerRequest): Promise<SchedulerOutcome> {
  const plan = await planOf(context, request);
  const timeZone = processTimeZone();
  const [next] = await nextRuns(plan.schedule.text, timeZone, 1);
  context.log.info(`a backup at "${plan.schedule.text}", time zone ${timeZone}${next ? `; the next one ${localText(next, timeZone)}` : ''}`);
  const state = await runInForeground({
    jobs: jobsOf(plan),
    timeZone,
    log: context.log,
    start: (words) => startStep(context, request, words),
    stop: context.signal,
    kill: request.kill,
  });
  return {state};
}

function startStep({configuration}: Context, request: SchedulerRequest, words: readonly string[]): Step {
  const config = configFileOf(configuration);
  const environment = Object.entries(request.environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const running = startCommand({
    file: request.tool.node,
    args: [request.tool.program, ...words, ...(config === undefined ? [] : ['--config', config]), ...(request.quiet ? ['--quiet'] : [])],
    env: Object.fromEntries(environment),
    stdout: {onLine: request.print},
    onStderrLine: request.print,
  });
  return {ended: running.result.then(describeEnd, messageOf), stop: (signal) => running.stop(signal)};
}
