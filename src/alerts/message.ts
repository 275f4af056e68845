import {formatMinute} from '../shared/format.ts';

/** Everything that an alert tells, before it has the form of one channel. */
export interface AlertMessage {
  readonly state: 'failed' | 'still failing' | 'recovered' | 'test';
  readonly host: string;
  readonly project: string;
  readonly command: string;
  readonly key: string;
  readonly kind: string;
  readonly message: string;
  readonly next: string;
  readonly time: Date;
  /** When the trouble began. */
  readonly since: Date;
  /** How often it was met since then. */
  readonly count: number;
  /** The last lines of the run's log. */
  readonly lines: readonly string[];
}

const subjectLength = 160;

/** Blanks the secrets out of every text of a message. Pure, as everything here. */
export function redactMessage(alert: AlertMessage, redact: (text: string) => string): AlertMessage {
  const {command, kind, message, next, lines} = alert;
  return {...alert, command: redact(command), kind: redact(kind), message: redact(message), next: redact(next), lines: lines.map((line) => redact(line))};
}

/** One line without control characters: nothing in it can become a header of its own. */
export function mailSubject(alert: AlertMessage): string {
  const subject = `timetiles on ${alert.host}: ${whatHappened(alert)}`.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return subject.length > subjectLength ? `${subject.slice(0, subjectLength - 1)}…` : subject;
}

function whatHappened({state, message, since, count}: AlertMessage): string {
  if (state === 'still failing') return `still failing since ${formatMinute(since)}, ${count} times: ${message}`;
  return state === 'recovered' ? `recovered: ${message}` : message;
}

export function mailText(alert: AlertMessage): string {
  const {host, project, command, message, next, lines, state} = alert;
  const facts = [
    ['Host', `${host} (project ${project})`],
    ['Command', command],
    ['Time', formatMinute(alert.time)],
    [state === 'recovered' ? 'Was' : 'Cause', message],
    ...(next === '' ? [] : [['Next', next]]),
  ];
  return [
    introduction(alert),
    '',
    ...facts.map(([name, value]) => `${`${name}:`.padEnd(9)}${value}`),
    ...(lines.length === 0 ? [] : ['', 'The last lines of the log:', ...lines.map((line) => `  ${line}`)]),
    ...(state === 'failed' || state === 'still failing' ? ['', 'While it lasts you are reminded every three days; when it is over you are told once.'] : []),
    '',
  ].join('\n');
}

function introduction({state, since, count}: AlertMessage): string {
  if (state === 'test') return 'This is a test: alerts reach you.';
  if (state === 'recovered') return `What failed since ${formatMinute(since)} (${count === 1 ? 'once' : `${count} times`}) works again.`;
  return state === 'failed' ? 'Something failed and needs you.' : `Something fails since ${formatMinute(since)}, ${count} times by now, and needs you.`;
}

/** `text` is what chat services show of a webhook's body. */
export function webhookBody(alert: AlertMessage): Record<string, unknown> {
  const {state, host, project, command, key, kind, message, next, count, lines} = alert;
  const text = [mailSubject(alert), next].filter((part) => part !== '').join('\n');
  return {text, state, host, project, command, key, kind, message, next, count, time: alert.time.toISOString(), since: alert.since.toISOString(), log: lines};
}
