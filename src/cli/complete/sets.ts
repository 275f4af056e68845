import type {SetName, SnapshotName} from '../../operations/set-names.ts';
import {formatBytes} from '../../shared/format.ts';
import {timeOfSetId} from '../../shared/set-id.ts';
import type {Candidate} from './grammar.ts';

/** How many digits of a snapshot's id are shown; restic shows as many. */
const shortId = 8;

/** `latest` and the sets, newest first; then, where a command takes one, the snapshots in them. */
export function candidatesOfSets(names: readonly SetName[], current: string, withSnapshots: boolean): Candidate[] {
  // Whoever can add to the repository can write any text into a tag: only what is an id may reach a command line.
  const sets = names.filter(({id}) => timeOfSetId(id) !== undefined);
  const latest = sets.find(({state, isSafety}) => state === 'complete' && !isSafety);
  return [
    {word: 'latest', description: latest ? `the newest complete set: ${describeSet(latest)}` : 'the newest complete set'},
    ...sets.map((set) => ({word: set.id, description: describeSet(set)})),
    ...(withSnapshots ? sets.flatMap((set) => candidatesOfSnapshots(set, current)) : []),
  ];
}

function candidatesOfSnapshots(set: SetName, current: string): Candidate[] {
  const snapshots = set.snapshots.filter(({id}) => /^[0-9a-f]{8,64}$/.test(id));
  return snapshots.map((snapshot) => ({
    word: current.length > shortId ? snapshot.id : snapshot.id.slice(0, shortId),
    description: [dateOf(set), describeSnapshot(snapshot), `of set ${set.id}`].join(', '),
  }));
}

function describeSet(set: SetName): string {
  const marks = [set.state, ...(set.isSafety ? ['before a restore'] : []), ...(set.isSuspicious ? ['suspicious'] : [])];
  return [dateOf(set), ...marks, ...set.snapshots.map((snapshot) => describeSnapshot(snapshot))].join(', ');
}

function describeSnapshot({source, bytes}: SnapshotName): string {
  return bytes === null ? source : `${source} ${formatBytes(bytes)}`;
}

/** In the host's own time, as the operator remembers the day. */
function dateOf({id}: SetName): string {
  const time = timeOfSetId(id) ?? new Date(0);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
