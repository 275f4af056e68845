import type {Progress} from '../shared/log.ts';
import {parseCounter} from './counter.ts';
import type {ResticHandle} from './handle.ts';
import {runRestic} from './run.ts';

/** Each id has 64 digits: 32 KiB of arguments, where Linux allows two megabytes. */
const idsPerRun = 500;

/**
 * The argv of each run that forgets snapshots and then removes the data that nothing refers to any more. The data is
 * looked at even when there is nothing to forget: a run that was killed may have left some.
 */
export function forgetRuns(ids: readonly string[]): string[][] {
  const runs: string[][] = [];
  for (let start = 0; start < ids.length; start += idsPerRun) {
    const isLast = start + idsPerRun >= ids.length;
    runs.push(['forget', ...(isLast ? ['--prune'] : []), ...ids.slice(start, start + idsPerRun)]);
  }
  return runs.length === 0 ? [['prune']] : runs;
}

/**
 * Forgets snapshots and prunes. A kill at any moment leaves a valid repository: restic removes data last.
 * @param ids full ids
 * @throws TimetilesError `repository-locked` when another restic works on the repository
 */
export async function forgetAndPrune(handle: ResticHandle, ids: readonly string[], onProgress: (progress: Omit<Progress, 'label'>) => void): Promise<void> {
  const onLine = (line: string) => {
    const progress = parseCounter(line);
    if (progress) onProgress(progress);
  };
  for (const args of forgetRuns(ids)) await runRestic(handle, 'removing old snapshots', args, {stdout: {onLine}, neverOrphaned: true});
}
