import {z} from 'zod';
import type {JournalEntry} from '../source.ts';

const entrySchema = z.object({
  names: z.object({live: z.string(), scratch: z.string(), previous: z.string(), hadLive: z.boolean()}),
  /** The name of the restore in pg_stat_activity. */
  run: z.string(),
  /** Roles that the restore makes because the server does not have them. */
  newRoles: z.array(z.string()),
  /** Subscriptions of the live database that were enabled; journals of earlier versions lack them. */
  subscriptions: z.array(z.string()).default([]),
});
/** What swap, revert and finish of a database need to know. */
export type RestoreEntry = z.output<typeof entrySchema>;

/** Reads the journal's entry back. */
export function entryOf(entry: JournalEntry): RestoreEntry {
  return entrySchema.parse(entry);
}
