import {z} from 'zod';

const recordSchema = z.object({
  /** Tells one trouble from another under the same key. */
  kind: z.string(),
  /** When it began, ISO 8601. */
  since: z.string(),
  /** When it was last told by a channel; null while none has taken it. */
  lastSent: z.string().nullable(),
  /** How often it was met. */
  count: z.number(),
  message: z.string(),
  command: z.string(),
});
/** What is remembered of a trouble that lasts. */
export type AlertRecord = z.output<typeof recordSchema>;

/** Every trouble that lasts, by its key. */
export const alertRecordsSchema = z.record(z.string(), recordSchema);
export type AlertRecords = z.output<typeof alertRecordsSchema>;

export interface Occurrence {
  readonly kind: string;
  readonly message: string;
  readonly command: string;
}

export interface Decision {
  readonly record: AlertRecord;
  /** `silent`: it was told already. */
  readonly send: 'first' | 'reminder' | 'silent';
}

/** Three days, and as much less as one night may begin earlier than another. */
const reminderMilliseconds = (3 * 24 - 6) * 3_600_000;

/** What to do about a trouble, given what is remembered under its key. Pure. */
export function decide(known: AlertRecord | undefined, occurrence: Occurrence, now: Date): Decision {
  const {kind, message, command} = occurrence;
  if (known?.kind !== kind) return {record: {kind, since: now.toISOString(), lastSent: null, count: 1, message, command}, send: 'first'};
  const record = {...known, count: known.count + 1, message, command};
  if (known.lastSent === null) return {record, send: 'first'};
  const age = now.getTime() - Date.parse(known.lastSent);
  // A time to come is one of a clock that was wrong: nothing may stay silent until then.
  return {record, send: age >= reminderMilliseconds || age < 0 || Number.isNaN(age) ? 'reminder' : 'silent'};
}

/** Whether somebody has to be told that a trouble is over: only those who have heard of it. Pure. */
export function isToBeSettled(known: AlertRecord | undefined): known is AlertRecord & {lastSent: string} {
  return known !== undefined && known.lastSent !== null;
}
