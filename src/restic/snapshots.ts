import type {ResticHandle} from './handle.ts';
import {parseSnapshots, type Snapshot} from './messages.ts';
import {questionLimit, runRestic} from './run.ts';

/** Every snapshot that this tool made, oldest first. Takes no lock: a listing must work on a read-only or busy repository. */
export async function listSnapshots(handle: ResticHandle, tag: string): Promise<Snapshot[]> {
  const result = await runRestic(handle, 'listing snapshots', ['snapshots', '--json', '--no-lock', '--tag', tag], {limit: questionLimit});
  return parseSnapshots(result.stdout);
}
