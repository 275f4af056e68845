import {TimetilesError} from '../shared/errors.ts';

/** The moments that a cron expression means; each list is sorted. Sunday is 0. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly daysOfMonth: readonly number[];
  readonly months: readonly number[];
  readonly weekdays: readonly number[];
}

/** A schedule that cron and node-cron understand alike. */
export interface CronSchedule {
  /** Five fields, separated by single spaces. */
  readonly text: string;
  readonly fields: CronFields;
}

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const rules: readonly FieldRule[] = [
  {name: 'minute', min: 0, max: 59, words: []},
  {name: 'hour', min: 0, max: 23, words: []},
  {name: 'day of the month', min: 1, max: 31, words: []},
  {name: 'month', min: 1, max: 12, words: months},
  {name: 'weekday', min: 0, max: 7, words: weekdays},
];
const nicknames: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};
const next = `Write five fields: minute (0-59), hour (0-23), day of the month (1-31), month (1-12), weekday (0-7, Sunday is 0 and 7); each one *, a number, a list 1,15, a range 1-5 or a step */10. "30 3 * * *" is 03:30 every day. Or one of ${Object.keys(nicknames).join(' ')}.`;

/**
 * Reads a cron expression of five fields. Only what every cron and node-cron agree on is accepted.
 * @throws TimetilesError `usage` that names the field and what it may hold
 */
export async function parseSchedule(given: string): Promise<CronSchedule> {
  const refuse = (reason: string) => new TimetilesError('usage', `the schedule "${given}" cannot be used: ${reason}`, next);
  const words = (nicknames[given.trim().toLowerCase()] ?? given).trim().split(/[ \t]+/);
  if (given.trim() === '') throw refuse('it is empty');
  if (given.trim().startsWith('@') && words.length === 1) throw refuse('it is none of the known names');
  if (words.length !== rules.length) throw refuse(`it has ${words.length} fields, not five${words.length === 6 ? '; cron knows no seconds' : ''}`);
  for (const [index, rule] of rules.entries()) {
    const problem = problemOf(words[index] ?? '', rule);
    if (problem !== undefined) throw refuse(problem);
  }
  if (words[2] !== '*' && words[4] !== '*') {
    throw refuse('it sets a day of the month and a weekday, which cron takes as either and others as both; make one of them *');
  }
  const text = words.join(' ').toLowerCase();
  const {validateDetailed} = await import('node-cron');
  const {fields, errors} = validateDetailed(text);
  if (!fields) {
    const [error] = errors;
    throw refuse(error?.message.includes('impossible day') ? 'no such day is ever in such a month, so it would never run' : (error?.message ?? 'it is no cron expression'));
  }
  return {
    text,
    fields: {
      minutes: sorted(fields.minute),
      hours: sorted(fields.hour),
      daysOfMonth: sorted(fields.dayOfMonth),
      months: sorted(fields.month),
      weekdays: sorted(fields.dayOfWeek),
    },
  };
}

function problemOf(word: string, rule: FieldRule): string | undefined {
  for (const item of word.split(',')) {
    const parts = /^(\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item);
    const allowed = `${rule.name} may be ${rule.min} to ${rule.max}${rule.words.length > 0 ? ` or ${rule.words[0]} to ${rule.words.at(-1)}` : ''}`;
    if (!parts) return `"${item}" is no ${rule.name}; ${allowed}`;
    const [, , first, last, step] = parts;
    const bounds = [first, last].filter((bound) => bound !== undefined);
    for (const bound of bounds) if (valueOf(bound, rule) === undefined) return `${bound} is no ${rule.name}; ${allowed}`;
    if (first !== undefined && last !== undefined && Number(valueOf(first, rule)) > Number(valueOf(last, rule))) return `the range ${item} runs backwards; write it as two, such as ${first}-${rule.max},${rule.min}-${last}`;
    if (step === undefined) continue;
    if (first !== undefined && last === undefined) return `the step of ${item} needs a range or *, such as ${first}-${rule.max}/${step}`;
    if (Number(step) < 1 || Number(step) > rule.max) return `the step of ${item} must be 1 to ${rule.max}`;
  }
  return undefined;
}

function valueOf(word: string, rule: FieldRule): number | undefined {
  if (!/^\d{1,2}$/.test(word)) {
    const index = rule.words.indexOf(word.toLowerCase());
    return index === -1 ? undefined : index + rule.min;
  }
  const value = Number(word);
  return value >= rule.min && value <= rule.max ? value : undefined;
}

function sorted(values: readonly (number | string)[]): number[] {
  return [...new Set(values.map(Number))].toSorted((a, b) => a - b);
}
