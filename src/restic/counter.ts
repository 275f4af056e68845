import type {Progress} from '../shared/log.ts';

/** Reads one line of the progress that restic prints of work on its own files: `[0:02] 57.14%  4 / 7 packs processed`. */
export function parseCounter(line: string): Omit<Progress, 'label'> | undefined {
  const counts = /^\[[\d:]+\]\s+[\d.]+%\s+(\d+) \/ (\d+) /.exec(line);
  return counts ? {files: Number(counts[1]), totalFiles: Number(counts[2])} : undefined;
}
