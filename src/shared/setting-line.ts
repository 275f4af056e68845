import type {Candidate} from './errors.ts';

/** A line for bootstrap.conf, which the configuration's reader takes back as it is. Pure. */
export function settingLine(key: string, value: string): string {
  return `${key}=${quoted(value)}`;
}

/** No quote that is in the value, and none that gives a backslash or a dollar sign another meaning. */
function quoted(value: string): string {
  const quote = ['"', "'", '`'].find((candidate) => !value.includes(candidate) && !(candidate === '"' && value.includes('\\'))) ?? '"';
  return `${quote}${value}${quote}`;
}

/** More of them help nobody. */
const linesShown = 20;

/** The next step where one of several settings has to be written, a line each. Pure. */
export function chooseOneOf(candidates: readonly Candidate[], first = 'Write one of these lines into bootstrap.conf:'): string {
  const shown = candidates.slice(0, linesShown).map(({key, value, description}) => `    ${settingLine(key, value)}    ${description}`);
  const left = candidates.length - shown.length;
  return [first, ...shown, ...(left > 0 ? [`    and ${left} more`] : [])].join('\n');
}
