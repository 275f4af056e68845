import {z} from 'zod';

const importedFromSchema = z.object({
  /** The file's name, without its directory. */
  file: z.string(),
  bytes: z.number(),
  sha256: z.string(),
  /** In words, such as `dump of PostgreSQL 17.6`. */
  kind: z.string(),
  /** What was left out of it or decided about it, a line each. */
  notes: z.array(z.string()),
});
export type ImportedFrom = z.output<typeof importedFromSchema>;

/** What the manifest keeps of one source's snapshot. */
export const sourceRecordSchema = z.object({
  source: z.string(),
  /** Full id of the snapshot: the SHA-256 of restic's snapshot file, which fixes all content below it. */
  snapshot: z.string(),
  bytes: z.number(),
  added: z.number(),
  files: z.number(),
  seconds: z.number(),
  /** Files that could not be read and are not in the snapshot; at most 100 are named. */
  unreadable: z.array(z.string()),
  /** What this source alone needs to restore; each source checks it by a schema of its own. */
  details: z.unknown(),

  /** The file of another tool that the snapshot was made from; the details are then of another kind. */
  imported: importedFromSchema.optional(),
  /** What the operator was told of it when it was stored: see `BackupTask.notes`. */
  notes: z.array(z.string()).optional(),
});

export type SourceRecord = z.output<typeof sourceRecordSchema>;
