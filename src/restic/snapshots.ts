import {earlierTags, recogniseEarlier} from './earlier.ts';
import type {ResticHandle} from './handle.ts';
import {parseSnapshots, type Snapshot} from './messages.ts';
import {questionLimit, runRestic} from './run.ts';

/** What restic says of a snapshot that it leaves out of a listing, which ends well all the same. */
const unreadableSnapshot = /could not load snapshot|failed to load snapshot/;

/**
 * Every snapshot that this tool made, and those of TimeTiles' earlier command line, oldest first. Takes no lock: a listing
 * must work on a read-only or busy repository.
 * @param tag this tool's own, and perhaps a source's behind a comma: then only snapshots of that source
 * @param onUnreadable gets a line for each snapshot that is damaged and left out
 */
export async function listSnapshots(handle: ResticHandle, tag: string, onUnreadable: (line: string) => void = () => undefined): Promise<Snapshot[]> {
  const onStderrLine = (line: string) => {
    if (unreadableSnapshot.test(line)) onUnreadable(line);
  };
  const result = await runRestic(handle, 'listing snapshots', ['snapshots', '--json', '--no-lock', ...[tag, ...earlierTags].flatMap((wanted) => ['--tag', wanted])], {limit: questionLimit, onStderrLine});
  const [tool = '', source] = tag.split(',');
  return parseSnapshots(result.stdout).filter((snapshot) => {
    if (snapshot.tags.includes(tool)) return source === undefined || snapshot.tags.includes(source);
    const earlier = recogniseEarlier(snapshot);
    if (!earlier || (source !== undefined && source !== earlier.source)) return false;
    if (earlier.root !== '') handle.roots.set(snapshot.id, earlier.root);
    return true;
  });
}
