const unitSeconds: Readonly<Record<string, number>> = {s: 1, m: 60, h: 3600};

/** What a duration may look like, for messages. */
export const durationHint = 'a number of seconds, or a number with s, m or h, such as 2h';

/** Seconds of a duration as `90`, `90s`, `15m` or `2h`; undefined when the text is none. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})([smh]?)$/.exec(text);
  if (!parts) return undefined;
  return Number(parts[1]) * (unitSeconds[parts[2] ?? ''] ?? 1);
}

/** The shortest text that `parseDuration` reads as so many seconds. */
export function durationText(seconds: number): string {
  for (const unit of ['h', 'm']) {
    const size = unitSeconds[unit] ?? 1;
    if (seconds > 0 && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
