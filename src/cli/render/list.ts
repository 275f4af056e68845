import type {ListedSet, ListedSnapshot} from '../../operations/list.ts';
import {formatAge, formatBytes} from '../../shared/format.ts';
import type {Rendered} from '../base-command.ts';
import {renderTable} from './table.ts';

/** `backup list`: sets newest first. */
export function renderList(sets: readonly ListedSet[], now: Date): Rendered {
  const rows = sets.map((set) => [set.id, formatAge(set.time, now), stateOf(set), set.snapshots.map(describeSnapshot).join(', ')]);
  const text = sets.length === 0 ? 'The repository has no sets yet. Make one: timetiles backup' : renderTable([['SET', 'AGE', 'STATE', 'SOURCES'], ...rows]);
  const json = {
    sets: sets.map((set) => ({
      set: set.id,
      time: set.time.toISOString(),
      state: set.state,
      beforeRestore: set.isSafety,
      snapshots: set.snapshots.map(({source, id, time, bytes, added}) => ({source, id, time: time.toISOString(), bytes, added})),
    })),
  };
  return {text, json};
}

/** One set on one line, for the picker. */
export function describeSetLine(set: ListedSet, now: Date): string {
  return `${set.id}  ${formatAge(set.time, now)}  ${stateOf(set)}  ${set.snapshots.map(describeSnapshot).join(', ')}`;
}

/** The state of a set in words. */
export function stateOf(set: Pick<ListedSet, 'state' | 'isSafety'>): string {
  return set.isSafety ? `${set.state}, before a restore` : set.state;
}

function describeSnapshot({source, id, bytes, added}: ListedSnapshot): string {
  const size = bytes === null ? 'size unknown' : formatBytes(bytes);
  return `${source} ${id.slice(0, 8)} ${size}${added === null ? '' : ` (+${formatBytes(added)})`}`;
}
