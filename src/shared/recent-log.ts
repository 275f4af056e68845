import type {Log} from './log.ts';

/** Passes everything on, and keeps the last lines as they were said, for alerts. */
export function keepRecentLines(log: Log, redact: (text: string) => string, count: number): {readonly log: Log; recentLines(): readonly string[]} {
  const lines: string[] = [];
  const keep = (text: string) => {
    lines.push(redact(text));
    if (lines.length > count) lines.shift();
  };
  return {
    recentLines: () => [...lines],
    log: {
      showsProgress: log.showsProgress,
      info(text) {
        keep(text);
        log.info(text);
      },
      warn(text) {
        keep(`warning: ${text}`);
        log.warn(text);
      },
      debug: (text) => log.debug(text),
      progress: (update) => log.progress(update),
    },
  };
}
