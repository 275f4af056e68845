import type {Progress} from '../shared/log.ts';
import {resticError} from './errors.ts';
import type {ResticHandle} from './handle.ts';
import {questionLimit, runRestic, startRestic} from './run.ts';

/** The destination's handle with what restic must know of the source; both have one password. */
function withSource(destination: ResticHandle, source: ResticHandle): ResticHandle {
  const {environment} = destination;
  const given = (name: string) => (environment[name] === undefined ? {} : {[name.replace('RESTIC_', 'RESTIC_FROM_')]: environment[name]});
  return {
    ...destination,
    environment: {
      ...environment,
      RESTIC_FROM_REPOSITORY: source.repository,
      ...given('RESTIC_PASSWORD'),
      ...given('RESTIC_PASSWORD_FILE'),
      ...given('RESTIC_PASSWORD_COMMAND'),
    },
  };
}

/** Makes a repository that cuts files into the same chunks as the source, so that what is copied is deduplicated too. */
export async function initRepositoryLike(destination: ResticHandle, source: ResticHandle): Promise<void> {
  await runRestic(withSource(destination, source), 'making the offsite repository', ['init', '--quiet', '--copy-chunker-params'], {limit: questionLimit});
}

export interface CopyRequest {
  /** Full ids, in the order in which they are to be copied. */
  readonly snapshots: readonly string[];
  /** KiB per second; 0 for no limit. */
  readonly uploadLimit: number;
  readonly onProgress: (progress: Omit<Progress, 'label'>) => void;
}

export function copyArgs({snapshots, uploadLimit}: Pick<CopyRequest, 'snapshots' | 'uploadLimit'>): string[] {
  return ['copy', ...(uploadLimit > 0 ? ['--limit-upload', String(uploadLimit)] : []), ...snapshots];
}

/** Copies snapshots with all that belongs to them; restic itself skips what is there. */
export async function copySnapshots(destination: ResticHandle, source: ResticHandle, request: CopyRequest): Promise<void> {
  let files = 0;
  const onLine = (line: string) => {
    // One line of words for every snapshot that is done; restic copy speaks no JSON.
    if (!/^(snapshot [0-9a-f]+ saved|skipping source snapshot)/.test(line.trim())) return;
    files += 1;
    request.onProgress({files, totalFiles: request.snapshots.length});
  };
  const result = await startRestic(withSource(destination, source), copyArgs(request), {stdout: {onLine}}).result;
  if (result.exitCode !== 0) throw resticError(destination, 'copying to the offsite repository', result);
}

/** Removes locks that restic itself calls stale: of dead processes of this host, and those that nobody renewed for half an hour. */
export async function unlockStale(handle: ResticHandle): Promise<void> {
  await runRestic(handle, 'removing stale locks', ['unlock'], {limit: questionLimit});
}
