import type {ListedSet, ListedSnapshot, LocalListing} from '../../operations/list.ts';
import type {OffsiteListing} from '../../operations/offsite/list.ts';
import {formatAge, formatBytes} from '../../shared/format.ts';
import type {Evidence} from '../../operations/evidence.ts';
import type {Rendered} from '../base-command.ts';
import {describeLag, lagToJson} from './lag.ts';
import {describeEvidence} from './restore-test.ts';
import {renderTable} from './table.ts';

/** `backup list`: sets newest first, and how far the offsite copy is behind. */
export function renderList({sets, lag}: LocalListing, now: Date): Rendered {
  const table = renderSets(sets, now);
  return {text: [table, ...(lag ? [describeLag(lag)] : [])].join('\n'), json: {sets: sets.map(toJson), offsite: lagToJson(lag)}};
}

/** `backup list --offsite`. That the credentials cannot read is expected, and no error. */
export function renderOffsiteList(listing: OffsiteListing, now: Date): Rendered {
  if (listing.state === 'unreadable') {
    return {text: `The offsite sets cannot be listed: ${listing.message}.\n${listing.next}\nWhat this host knows of the copy: timetiles backup list`, json: {sets: null, message: listing.message, next: listing.next}};
  }
  const {sets} = listing;
  return {text: renderSets(sets, now), json: {sets: sets.map((set) => ({...toJson(set), epoch: set.epoch}))}};
}

function renderSets(sets: readonly ListedSet[], now: Date): string {
  const rows = sets.map((set) => [set.id, formatAge(set.time, now), stateAndEvidence(set, now), set.snapshots.map(describeSnapshot).join(', ')]);
  return sets.length === 0 ? 'The repository has no sets yet. Make one: timetiles backup' : renderTable([['SET', 'AGE', 'STATE', 'SOURCES'], ...rows]);
}

function toJson(set: ListedSet) {
  return {
    set: set.id,
    time: set.time.toISOString(),
    state: set.state,
    beforeRestore: set.isSafety,
    suspicious: set.isSuspicious,
    suspicions: set.suspicions,
    imported: set.isImported,
    earlier: set.isEarlier,
    restoreTest: set.restoreTest && evidenceToJson(set.restoreTest),
    snapshots: set.snapshots.map(({source, id, time, bytes, added}) => ({source, id, time: time.toISOString(), bytes, added})),
  };
}

/** One set, short enough for two lines of 60 columns, for the operator to pick: what tells it from others comes first. */
export function describeSetForPicking(set: ListedSet, only: string | undefined, now: Date): string {
  const marks = [...(set.state === 'complete' ? [] : ['INCOMPLETE']), ...(set.isSafety ? ['before a restore'] : []), ...(set.isSuspicious ? ['SUSPICIOUS'] : []), ...(set.isImported ? ['imported'] : []), ...(set.isEarlier ? ['earlier CLI'] : [])];
  const sizes = set.snapshots.filter(({source}) => only === undefined || source === only).map(({source, bytes}) => `${source} ${bytes === null ? '?' : formatBytes(bytes)}`);
  return [set.id, formatAge(set.time, now), ...marks, sizes.join(', '), ...(set.restoreTest ? [describeEvidence(set.restoreTest, now)] : [])].join('  ');
}

function evidenceToJson({state, time, from, repository, image, seconds, checks, problems}: Evidence) {
  return {state, time, from, repository, image, seconds, checks, problems};
}

function stateAndEvidence(set: ListedSet, now: Date): string {
  return `${stateOf(set)}${set.restoreTest ? `, ${describeEvidence(set.restoreTest, now)}` : ''}`;
}

/** The state of a set in words. */
export function stateOf(set: Pick<ListedSet, 'state' | 'isSafety' | 'isSuspicious' | 'isImported' | 'isEarlier'>): string {
  return [set.state, ...(set.isSafety ? ['before a restore'] : []), ...(set.isSuspicious ? ['suspicious'] : []), ...(set.isImported ? ['imported'] : []), ...(set.isEarlier ? ['earlier CLI'] : [])].join(', ');
}

function describeSnapshot({source, id, bytes, added}: ListedSnapshot): string {
  const size = bytes === null ? 'size unknown' : formatBytes(bytes);
  return `${source} ${id.slice(0, 8)} ${size}${added === null ? '' : ` (+${formatBytes(added)})`}`;
}
