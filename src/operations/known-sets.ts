import {repositoryFiles} from '../restic/handle.ts';
import type {Context} from './context.ts';
import {readCachedManifest} from './manifest.ts';
import {readSets} from './sets.ts';

/** As much of a set as tells which ones are complete. */
export interface SetState {
  readonly id: string;
  readonly state: 'complete' | 'incomplete';
  readonly sources: readonly string[];
}

/**
 * The sets of the local repository, newest first: from this host's copies of the manifests when these account for every
 * snapshot file there is, else from restic, whose answer costs most of a second.
 */
export async function readSetStates(context: Context): Promise<SetState[]> {
  return fromCopies(context) ?? (await readSets(context)).map(({id, state, snapshots}) => ({id, state, sources: snapshots.map(({source}) => source)}));
}

function fromCopies(context: Context): SetState[] | undefined {
  const present = new Set(repositoryFiles(context.restic, 'snapshots'));
  const unexplained = new Set(present);
  const states: SetState[] = [];
  for (const id of present) {
    const manifest = readCachedManifest(context, id);
    if (!manifest) continue;
    const members = manifest.sources.map(({snapshot}) => snapshot);
    for (const member of [id, ...members]) unexplained.delete(member);
    const isComplete = manifest.state === 'complete' && members.every((member) => present.has(member));
    states.push({id: manifest.set, state: isComplete ? 'complete' : 'incomplete', sources: manifest.sources.map(({source}) => source)});
  }
  if (unexplained.size > 0) return undefined;
  return states.toSorted((a, b) => (a.id < b.id ? 1 : -1));
}
