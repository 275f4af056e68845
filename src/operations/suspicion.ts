import type {Context} from './context.ts';
import {readManifest} from './manifest.ts';
import type {BackupSet} from './sets.ts';

/** What was odd about a set when it was made, as its manifest tells; none for a set without manifest. */
export async function suspicionOf(context: Context, set: BackupSet): Promise<readonly string[]> {
  if (set.manifest === undefined) return [];
  return (await readManifest(context, set.manifest)).suspicions ?? [];
}
