import {styleText} from 'node:util';
import {formatBytes, formatSeconds} from '../shared/format.ts';
import type {Log, Progress} from '../shared/log.ts';
import {printableLines} from '../shared/printable.ts';

export interface TerminalLogOptions {
  readonly stream: NodeJS.WriteStream;
  readonly quiet: boolean;
  readonly debug: boolean;
  readonly redact: (text: string) => string;
}

/** Milliseconds between two drawings of the progress line. */
const drawInterval = 200;

/** Prints to stderr: on a terminal with a progress line that is drawn over, else plain lines and no progress. */
export function createTerminalLog(options: TerminalLogOptions): Log & {close(): void} {
  const {stream, quiet, redact} = options;
  const showsProgress = stream.isTTY && !quiet && process.env['TERM'] !== 'dumb';
  let drawn = false;
  let drawnAt = 0;
  let last: Progress | undefined;
  const meter = createMeter();
  const clear = () => {
    if (drawn) stream.write('\r\u001B[K');
    drawn = false;
  };
  const draw = (update: Progress) => {
    const width = Math.max(20, (stream.columns || 80) - 1);
    stream.write(`\r\u001B[K${redact(meter(update, Date.now())).slice(0, width)}`);
    drawn = true;
    drawnAt = Date.now();
  };
  // A step that reports nothing for a while must still be seen to live: its seconds go on.
  const ticker = showsProgress ? setInterval(() => last && draw(last), 1000).unref() : undefined;
  const line = (text: string) => {
    last = undefined;
    clear();
    stream.write(`${redact(text)}\n`);
  };
  return {
    showsProgress,
    info: (text) => void (quiet || line(printableLines(text))),
    warn: (text) => line(`${styleText('yellow', 'warning:', {stream})} ${printableLines(text)}`),
    debug: (text) => void (options.debug && line(printableLines(text))),
    progress(update) {
      last = update;
      if (showsProgress && (!drawn || Date.now() - drawnAt >= drawInterval)) draw(update);
    },
    close() {
      last = undefined;
      clearInterval(ticker);
      clear();
    },
  };
}

/** Makes the text of the progress line: bytes, files, rate and, where the total is known, the time that is left. */
export function createMeter(): (update: Progress, now: number) => string {
  let label = '';
  let begin = 0;
  return (update, now) => {
    if (update.label !== label) {
      label = update.label;
      begin = now;
    }
    const seconds = (now - begin) / 1000;
    const rate = update.bytes !== undefined && seconds >= 1 ? update.bytes / seconds : undefined;
    const left = rate !== undefined && update.totalBytes !== undefined && rate > 0 ? (update.totalBytes - (update.bytes ?? 0)) / rate : undefined;
    const parts = [
      update.bytes === undefined ? undefined : `${formatBytes(update.bytes)}${update.totalBytes ? ` of ${formatBytes(update.totalBytes)}` : ''}`,
      update.files === undefined ? undefined : `${update.files}${update.totalFiles ? ` of ${update.totalFiles}` : ''} files`,
      rate === undefined ? undefined : `${formatBytes(Math.round(rate))}/s`,
      left === undefined || left < 1 ? undefined : `${formatSeconds(left)} left`,
      formatSeconds(seconds),
    ];
    return `${update.label}: ${parts.filter((part) => part !== undefined).join(', ')}`;
  };
}
