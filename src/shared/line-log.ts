import type {Clock} from './clock.ts';
import type {Log} from './log.ts';

export type LogFormat = 'text' | 'json';
type Level = 'debug' | 'info' | 'warning' | 'error';

export interface LineLogOptions {
  readonly format: LogFormat;
  /** Names the run in every line: runs may overlap in one file. */
  readonly run: string;
  readonly clock: Clock;
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly redact: (text: string) => string;
  /** Gets whole lines, with their end. */
  readonly write: (line: string) => void;
}

/** A log of which each event is one line with time, level and run. Progress is not for it. */
export interface LineLog extends Log {
  error(text: string): void;
}

export function createLineLog(options: LineLogOptions): LineLog {
  const line = (level: Level, text: string) => options.write(`${formatLine(options, level, options.redact(text))}\n`);
  return {
    showsProgress: false,
    debug: (text) => void (options.debug && line('debug', text)),
    info: (text) => void (options.quiet || line('info', text)),
    warn: (text) => line('warning', text),
    error: (text) => line('error', text),
    progress: () => undefined,
  };
}

/** Text keeps an event with line breaks on one line; JSON does so by itself. */
function formatLine({format, run, clock}: LineLogOptions, level: Level, text: string): string {
  const time = clock.now().toISOString();
  if (format === 'json') return JSON.stringify({time, level, run, message: text});
  return `${time} ${level} [${run}] ${text.trimEnd().replace(/\s*\n\s*/g, ' | ')}`;
}
