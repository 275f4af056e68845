import {z} from 'zod';
import type {SourceRecord} from '../source.ts';
import {filesHomeOf, filesHomeSchema, type FilesHome} from './home.ts';

/** What the manifest keeps of the uploads, beside their snapshot. */
export const filesDetailsSchema = z.object({
  /** The directory itself; see files/root-entry.ts. Null where an imported archive does not tell of it: then it stays as it is. */
  root: z.string().nullable(),
  /** Where the files came from, for a reader's information. */
  origin: z.string(),
  /** Where they belong on a new machine; sets of earlier versions lack it. */
  home: filesHomeSchema.optional(),
});

/** Where a backup had the files; sets of earlier versions told it in words. */
export function homeOfRecord(record: SourceRecord | undefined): FilesHome | undefined {
  const details = record && filesDetailsSchema.safeParse(record.details).data;
  return details && (details.home ?? filesHomeOf(details.origin));
}
