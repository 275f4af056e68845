import type {ResticHandle} from './handle.ts';
import {parseSnapshots, type Snapshot} from './messages.ts';
import {questionLimit, runRestic} from './run.ts';

/** What restic says of a snapshot that it leaves out of a listing, which ends well all the same. */
const unreadableSnapshot = /could not load snapshot|failed to load snapshot/;

/**
 * Every snapshot that this tool made, oldest first. Takes no lock: a listing must work on a read-only or busy repository.
 * @param onUnreadable gets a line for each snapshot that is damaged and left out
 */
export async function listSnapshots(handle: ResticHandle, tag: string, onUnreadable: (line: string) => void = () => undefined): Promise<Snapshot[]> {
  const onStderrLine = (line: string) => {
    if (unreadableSnapshot.test(line)) onUnreadable(line);
  };
  const result = await runRestic(handle, 'listing snapshots', ['snapshots', '--json', '--no-lock', '--tag', tag], {limit: questionLimit, onStderrLine});
  return parseSnapshots(result.stdout);
}
