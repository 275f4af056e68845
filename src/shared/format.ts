import {isPrintable} from './printable.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in the binary units that restic prints: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 2 : 1)} ${units[unit]}`;
}

/** The bytes in a text such as restic prints, `2.862 MiB`; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  const [, value, unit] = /^(\d+(?:\.\d+)?) (\w+)$/.exec(text) ?? [];
  const power = units.indexOf(unit ?? '');
  return value === undefined || power < 0 ? undefined : Math.round(Number(value) * 1024 ** power);
}

/** Seconds as `42s`, `3m 05s` or `2h 07m`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** How long before `now` a moment was, in the largest fitting unit: `just now`, `5 min ago`, `3 days ago`. */
export function formatAge(moment: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - moment.getTime()) / 1000);
  if (seconds < -60) return 'in the future';
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}

/** Such as `2026-11-21 02:00 UTC`. */
export function formatMinute(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `1 file`, `2 files`: a count with its noun. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** A text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The same for commands that are shown with names of files in them: control characters are told as bash, ksh and zsh read them. */
export function shownWord(text: string): string {
  if (isPrintable(text)) return shellWord(text);
  return `$'${Array.from(text, (character) => (isPrintable(character) ? character.replace(/['\\]/, '\\$&') : escapedBytes(character))).join('')}'`;
}

function escapedBytes(character: string): string {
  return [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}
