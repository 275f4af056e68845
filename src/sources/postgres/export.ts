import {open, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {startDump} from '../../restic/dump.ts';
import {targetError} from '../../restic/errors.ts';
import type {ExportRequest, SourceContext} from '../source.ts';
import {mainSource} from './database-names.ts';
import {dumpPath} from './dump.ts';

/** The name that the dump of a source has beside those of others. Pure. */
export function exportName(source: string): string {
  return source === mainSource ? 'database.sql' : `${source}.sql`;
}

/** Writes the dump into the directory, mode 0600; what can be read of a damaged one as `….sql.partial`. */
export async function exportDump(context: SourceContext, source: string, request: ExportRequest): Promise<string[]> {
  const name = exportName(source);
  const path = join(request.directory, name);
  const file = await open(path, 'wx', 0o600);
  try {
    const result = await startDump(context.restic, request.snapshot, dumpPath, file.fd).result;
    if (result.exitCode !== 0) {
      const error = targetError(context.restic, `writing ${name}`, request.directory, result);
      const {size} = await file.stat();
      if (!request.bestEffort || error.kind !== 'repository-damaged' || size === 0) {
        await rm(path);
        throw error;
      }
      await rename(path, `${path}.partial`);
      request.bestEffort.onMissing([`${dumpPath} from byte ${size} on; ${name}.partial is what comes before that, and no whole dump`]);
      return [`${path}.partial`];
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return [path];
}
