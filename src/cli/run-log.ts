import {randomBytes} from 'node:crypto';
import {appendFileSync, mkdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Clock} from '../shared/clock.ts';
import {messageOf, systemCode} from '../shared/errors.ts';
import {createLineLog, type LineLog, type LogFormat} from '../shared/line-log.ts';
import type {Log} from '../shared/log.ts';
import {printableLines} from '../shared/printable.ts';
import {createTerminalLog} from './terminal-log.ts';

export interface RunLogOptions {
  readonly stream: NodeJS.WriteStream;
  /** Where `timetiles.log` lies. */
  readonly directory: string;
  readonly format: LogFormat;
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  /** What this run is, for its first line in the file. */
  readonly title: string;
}

/** Everything a run says: to whoever started it, and to the log file. */
export interface RunLog extends Log {
  /** How the run failed; under `--json` the terminal gets it in the document on stdout. */
  error(text: string, options: {inDocument: boolean}): void;
  /** For the file alone: how the run ended. */
  ended(exitCode: number): void;
  close(): void;
}

/**
 * Opens the log of one run. The file gets the run's beginning with the first thing that is said, so that commands which
 * only look, and are asked every minute, leave nothing there. A file that cannot be written never fails a run.
 */
export function createRunLog(options: RunLogOptions): RunLog {
  const run = randomBytes(4).toString('hex');
  const common = {...options, run};
  const begin = options.clock.now().getTime();
  const terminal = createTerminalLog(options);
  const events: LineLog | undefined = options.format === 'json' ? createLineLog({...common, write: (line) => void options.stream.write(line)}) : undefined;
  const shown: Log = events ?? terminal;

  let started = false;
  const append = appender(options, shown);
  const file = createLineLog({...common, quiet: false, write: append});
  const fileLog = () => {
    if (!started) {
      started = true;
      file.info(`started: ${options.title}, process ${process.pid}`);
    }
    return file;
  };
  return {
    showsProgress: shown.showsProgress,
    info(text) {
      shown.info(text);
      fileLog().info(text);
    },
    warn(text) {
      shown.warn(text);
      fileLog().warn(text);
    },
    debug(text) {
      shown.debug(text);
      if (options.debug) fileLog().debug(text);
    },
    error(text, {inDocument}) {
      fileLog().error(text);
      if (events) events.error(text);
      else if (!inDocument) options.stream.write(`${printableLines(options.redact(`Error: ${text}`))}\n`);
    },
    ended(exitCode) {
      if (started) file.info(`ended: exit code ${exitCode} after ${Math.round((options.clock.now().getTime() - begin) / 1000)} s`);
    },
    progress: (update) => shown.progress(update),
    close: () => terminal.close(),
  };
}

/** Appends to the file, which logrotate may take away at any time. The first failure is told, unless this user just may not write there. */
function appender({directory}: RunLogOptions, shown: Log): (line: string) => void {
  let broken = false;
  return (line) => {
    if (broken) return;
    try {
      mkdirSync(directory, {recursive: true, mode: 0o750});
      appendFileSync(join(directory, 'timetiles.log'), line, {mode: 0o640});
    } catch (error) {
      broken = true;
      const text = `the log file ${join(directory, 'timetiles.log')} cannot be written: ${messageOf(error)}`;
      if (systemCode(error) === 'EACCES') shown.debug(text);
      else shown.warn(`${text}. The work goes on; LOG_DIR names another directory.`);
    }
  };
}
