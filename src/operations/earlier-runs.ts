import {recogniseEarlier} from '../restic/earlier.ts';
import type {Snapshot} from '../restic/messages.ts';

/** What one run of the earlier command line stored: the database, the uploads, or one after the other. */
export interface EarlierRun {
  /** As every set's: its time, and four digits, here of the first snapshot's own id. */
  readonly id: string;
  readonly host: string;
  /** In the order in which they were made; never empty. */
  readonly snapshots: readonly {readonly source: string; readonly snapshot: Snapshot}[];
}

/** Its `backup full` saved the uploads right after the database, whose own offsite copy may have come between. */
const longestPauseMilliseconds = 3_600_000;

/** Groups the snapshots of the earlier command line by the run that made them; all others are left out. Pure. */
export function groupEarlierRuns(snapshots: readonly Snapshot[]): EarlierRun[] {
  const made = snapshots
    .flatMap((snapshot) => {
      const earlier = recogniseEarlier(snapshot);
      return earlier ? [{source: earlier.source, snapshot, host: snapshot.hostname, time: Date.parse(snapshot.time)}] : [];
    })
    .toSorted((a, b) => a.time - b.time);
  // Its first versions saved the uploads from within a container, whose name is another one each time.
  const host = made.findLast((one) => !isContainerName(one.host))?.host;
  const hostOf = (one: {host: string}) => (isContainerName(one.host) ? (host ?? one.host) : one.host);
  const runs: (typeof made)[] = [];
  const lastOf = new Map<string, (typeof made)[number][]>();
  for (const one of made) {
    const last = lastOf.get(hostOf(one));
    const [first, second] = last ?? [];
    if (last && first && !second && first.source === 'db' && one.source === 'uploads' && one.time - first.time <= longestPauseMilliseconds) {
      last.push(one);
      continue;
    }
    const run = [one];
    runs.push(run);
    lastOf.set(hostOf(one), run);
  }
  return runs.flatMap((run) => {
    const [first] = run;
    return first ? [{id: idOf(first.snapshot), host: hostOf(first), snapshots: run.map(({source, snapshot}) => ({source, snapshot}))}] : [];
  });
}

/** The same for a copy of the snapshot, which restic gives another id. */
function idOf({id, original, time}: Snapshot): string {
  const stamp = new Date(time).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${stamp}-${(original ?? id).slice(0, 4)}`;
}

function isContainerName(host: string): boolean {
  return /^[0-9a-f]{12}$/.test(host);
}
