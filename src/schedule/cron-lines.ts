import {TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import type {Job} from './jobs.ts';

/** cron's own limit for the command of a line is 999 bytes (MAX_COMMAND); a longer one makes it refuse the whole crontab. */
const longestCommand = 998;
/** Seconds after a start of the host before the catch-up: the engine and the database have to be up. */
const startPause = 300;

/** Where this tool is and what its runs need: cron gives them next to nothing. */
export interface Installation {
  /** Absolute path of Node. */
  readonly node: string;
  /** Absolute path of this tool's program. */
  readonly program: string;
  /** What the runs need of the environment; PATH at least. */
  readonly environment: Readonly<Record<string, string>>;
  /** `--config FILE`, absolute. */
  readonly config: string | undefined;
  /** Where whatever the runs print is appended. */
  readonly log: string;
}

/**
 * The lines of the block. Environment lines would also hold for what comes after the block, so each line brings its own;
 * tee keeps a missing log directory from keeping the job itself from running.
 * @throws TimetilesError `usage` when cron could not hold such a line
 */
export function cronLines(jobs: readonly Job[], installation: Installation): string[] {
  const head = '# Written by timetiles backup auto, and taken away by timetiles backup auto --disable. Change it with these, not by hand.';
  return [
    head,
    ...jobs.flatMap((job) => {
      const command = commandOf(job, installation);
      return [`${job.time} ${command}`, ...(job.atStart ? [`@reboot sleep ${startPause}; ${command}`] : [])];
    }),
  ];
}

function commandOf({commands}: Job, {node, program, environment, config, log}: Installation): string {
  const exports = Object.entries(environment).map(([key, value]) => `${key}=${shellWord(value)}`);
  const common = [...(config === undefined ? [] : ['--config', config]), '--quiet'].map(shellWord).join(' ');
  const tool = `${shellWord(node)} ${shellWord(program)}`;
  const [first = '', ...more] = commands.map((words) => words.map(shellWord).join(' '));
  // Several commands share one function, since the room is little.
  const steps = more.length === 0 ? `${tool} ${first} ${common}` : `t() { ${tool} "$@" ${common}; }; ${[first, ...more].map((words) => `t ${words}`).join('; ')}`;
  const text = `(export ${exports.join(' ')}; ${steps}) 2>&1 | tee -a ${shellWord(log)} >/dev/null`;
  if (/[\n\r]/.test(text)) throw new TimetilesError('usage', 'a path with a line break in it cannot stand in a crontab', 'Rename the directory, or use timetiles scheduler.');
  // To cron a bare % is the end of the command.
  const escaped = text.replaceAll('%', '\\%');
  if (Buffer.byteLength(escaped) <= longestCommand - `sleep ${startPause}; `.length) return escaped;
  throw new TimetilesError('usage', `the paths are too long for cron, whose lines hold ${longestCommand} bytes`, `Use shorter ones (${program}, ${log}), a shorter PATH, or timetiles scheduler.`);
}
