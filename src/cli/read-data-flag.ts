import {TimetilesError} from '../shared/errors.ts';

const name = '--read-data';

/** Gives a bare `--read-data` its value, since no flag of oclif may come with or without one. */
export function completeReadData(argv: readonly string[]): string[] {
  return argv.map((word) => (word === name ? `${name}=100%` : word));
}

/** The percentage that `--read-data` asks for, 0 without it. @throws TimetilesError `usage` */
export function parseReadData(text: string | undefined): number {
  if (text === undefined) return 0;
  const percent = /^\d{1,3}(\.\d{1,3})?%$/.test(text) ? Number.parseFloat(text) : 0;
  if (percent >= 1 && percent <= 100) return percent;
  throw new TimetilesError('usage', `${name}=${text} is not a percentage from 1% to 100%`, `Write ${name} to read all data, or for example ${name}=10% to read a tenth, the next one with each run.`);
}
