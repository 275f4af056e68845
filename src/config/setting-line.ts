import type {Candidate} from '../shared/errors.ts';
import {quoteValue} from './quote.ts';

/** A line for bootstrap.conf, which the configuration's reader takes back as it is. Pure. */
export function settingLine(key: string, value: string): string {
  return `${key}=${quoteValue(value)}`;
}

/** More of them help nobody. */
const linesShown = 20;

/** The next step where one of several settings has to be written, a line each. Pure. */
export function chooseOneOf(candidates: readonly Candidate[], first = 'Write one of these lines into bootstrap.conf:'): string {
  const shown = candidates.slice(0, linesShown).map(({key, value, description}) => `    ${settingLine(key, value)}    ${description}`);
  const left = candidates.length - shown.length;
  return [first, ...shown, ...(left > 0 ? [`    and ${left} more`] : [])].join('\n');
}
