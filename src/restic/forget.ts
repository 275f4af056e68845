import type {Progress} from '../shared/log.ts';
import {parseBytes} from '../shared/format.ts';
import {parseCounter} from './counter.ts';
import type {ResticHandle} from './handle.ts';
import {runRestic, startRestic} from './run.ts';

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

/** Forgets snapshots; their data goes with the next prune. */
export async function forgetSnapshots(handle: ResticHandle, ids: readonly string[]): Promise<void> {
  await runRestic(handle, 'removing snapshots', ['forget', ...ids], {neverOrphaned: true});
}

/** More would not fit on one command line, and a dry run cannot be split: nothing is gone when the next one begins. */
const idsPerEstimate = 10_000;

/**
 * How many bytes would go with these snapshots, by a dry run of restic itself. Null when it does not tell, which is no
 * trouble. Takes no lock, as it changes nothing.
 */
export async function estimateFreed(handle: ResticHandle, ids: readonly string[]): Promise<number | null> {
  if (ids.length > idsPerEstimate) return null;
  const args = ids.length === 0 ? ['prune'] : ['forget', '--prune', ...ids];
  const {exitCode, stdout} = await startRestic(handle, [...args, '--dry-run', '--no-lock']).result;
  return exitCode === 0 ? parseEstimate(stdout) : null;
}

/** Reads what restic says that a prune would remove: `total prune:  4 blobs / 2.862 MiB`. Pure. */
export function parseEstimate(text: string): number | null {
  const size = /^total prune:\s+\d+ blobs \/ (\S+ \S+)$/m.exec(text)?.[1];
  return size === undefined ? null : (parseBytes(size) ?? null);
}
