import {z} from 'zod';

/** The lines of `restic backup --json` and `restore --json` that matter here; others are ignored. */
const message = z.discriminatedUnion('message_type', [
  z.object({
    message_type: z.literal('status'),
    bytes_done: z.number().optional(),
    total_bytes: z.number().optional(),
    files_done: z.number().optional(),
    total_files: z.number().optional(),
    bytes_restored: z.number().optional(),
    files_restored: z.number().optional(),
  }),
  z.object({
    message_type: z.literal('summary'),
    snapshot_id: z.string().optional(),
    data_added: z.number().optional(),
    data_added_packed: z.number().optional(),
    total_files_processed: z.number().optional(),
    total_bytes_processed: z.number().optional(),
  }),
  z.object({
    message_type: z.literal('error'),
    item: z.string().default(''),
    error: z.unknown(),
  }),
]);

export type ResticMessage = z.output<typeof message>;

/** Reads one line of restic's JSON output; undefined for anything unknown. */
export function parseResticMessage(line: string): ResticMessage | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const result = message.safeParse(JSON.parse(line));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

export const snapshotSchema = z.object({
  id: z.string(),
  time: z.string(),
  hostname: z.string().default(''),
  paths: z.array(z.string()).default([]),
  tags: z.array(z.string()).nullish().transform((tags) => tags ?? []),
  /** The snapshot that this is a copy or a rewritten form of. */
  original: z.string().optional(),
  /** Restic writes this into the snapshot from 0.17 on. */
  summary: z
    .object({
      data_added: z.number().optional(),
      data_added_packed: z.number().optional(),
      total_bytes_processed: z.number().optional(),
      total_files_processed: z.number().optional(),
    })
    .optional(),
});

export type Snapshot = z.output<typeof snapshotSchema>;

export function parseSnapshots(text: string): Snapshot[] {
  return z.array(snapshotSchema).nullable().parse(JSON.parse(text)) ?? [];
}

const lockContent = z.object({
  time: z.string(),
  exclusive: z.boolean().default(false),
  hostname: z.string(),
  username: z.string().default(''),
  pid: z.number(),
});

export type LockContent = z.output<typeof lockContent>;

export function parseLock(text: string): LockContent {
  return lockContent.parse(JSON.parse(text));
}
