import {pathInSnapshot} from './earlier.ts';
import {repositoryIsWritable, type ResticHandle} from './handle.ts';
import {questionLimit, runRestic, startRestic} from './run.ts';
import type {RunningCommand} from '../process/run.ts';

function dumpArgs(handle: ResticHandle, snapshot: string, path: string): string[] {
  return ['dump', ...(repositoryIsWritable(handle) ? [] : ['--no-lock']), snapshot, pathInSnapshot(handle, snapshot, path)];
}

/** The text of one small file in a snapshot. */
export async function readSnapshotFile(handle: ResticHandle, snapshot: string, path: string): Promise<string> {
  const result = await runRestic(handle, `reading ${path} of snapshot ${snapshot.slice(0, 8)}`, dumpArgs(handle, snapshot, path), {limit: questionLimit});
  return result.stdout;
}

/** Starts to write one file of a snapshot to an open descriptor, or to be read; the caller checks how restic ends. */
export function startDump(handle: ResticHandle, snapshot: string, path: string, to: number | 'stream'): RunningCommand {
  return startRestic(handle, dumpArgs(handle, snapshot, path), {stdout: to === 'stream' ? to : {fd: to}});
}

/** Starts to read one file of a snapshot, piece by piece; the caller checks how restic ends. */
export function streamDump(handle: ResticHandle, snapshot: string, path: string): RunningCommand {
  return startRestic(handle, dumpArgs(handle, snapshot, path), {stdout: 'stream'});
}
