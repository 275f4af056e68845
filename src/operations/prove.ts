import {messageOf} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {sourceByName} from '../sources/registry.ts';
import type {Check} from '../sources/source.ts';
import type {Context} from './context.ts';
import {openPathList} from './expected-files.ts';
import type {SelectedSet} from './restore-plan.ts';
import {isSnapshot} from './verify-newest.ts';

/** What was found of one source's data after it was restored. */
export interface SourceProof {
  readonly source: string;
  readonly checks: readonly Check[];
}

/** How many absent files are named. */
const sampleSize = 5;

/**
 * Looks through data that was just restored, before anything writes to it: against the manifest, against the snapshots,
 * and, with BACKUP_FILES_QUERY, one source against the other. What is wrong is a failed check, not an error.
 * @param context leads to the stack that holds the restored data, and to the repository it came from
 */
export async function proveRestored(context: Context, {snapshots, manifest}: Pick<SelectedSet, 'snapshots' | 'manifest'>, restoreId: string): Promise<SourceProof[]> {
  const proofs: SourceProof[] = [];
  for (const snapshot of snapshots) {
    const {source: name, id} = snapshot;
    const source = sourceByName(name);
    if (!source) continue;
    context.log.info(`checking the restored ${name}`);
    const record = manifest?.sources.find((candidate) => candidate.source === name);
    const checks = await source.prove(context, {snapshot: id, record, restoreId}).catch((error: unknown) => {
      context.signal.throwIfAborted();
      return [{name: 'checks', state: 'failed', detail: messageOf(error)} as const];
    });
    const identity: Check[] = record && !isSnapshot(snapshot, record.snapshot) ? [{name: 'snapshot', state: 'failed', detail: `the manifest names the snapshot ${record.snapshot.slice(0, 8)}, but the set has ${id.slice(0, 8)}`}] : [];
    const named = source.findAbsent ? await proveNamedFiles(context, source.findAbsent, {snapshots, manifest}, restoreId) : [];
    proofs.push({source: name, checks: [...identity, ...checks, ...named]});
  }
  return proofs;
}

/** Whether any check failed. */
export function isProved(proofs: readonly SourceProof[]): boolean {
  return proofs.every(({checks}) => checks.every(({state}) => state !== 'failed'));
}

/** Looks for the files that the other restored sources name. */
async function proveNamedFiles(context: Context, findAbsent: (context: Context, paths: AsyncIterable<string>) => AsyncIterable<string>, {snapshots, manifest}: Pick<SelectedSet, 'snapshots' | 'manifest'>, restoreId: string): Promise<Check[]> {
  const list = await openPathList(context.stateDirectory);
  try {
    for (const {source: name} of snapshots) {
      const record = manifest?.sources.find((candidate) => candidate.source === name);
      await sourceByName(name)?.listNamedFiles?.(context, list, {record, restoreId});
    }
    const filled = list.filled();
    if (!filled) return [];
    if (filled.problem !== undefined) return [{name: 'files-query', state: 'failed', detail: filled.problem}];
    let count = 0;
    const sample: string[] = [];
    for await (const path of findAbsent(context, list.paths())) {
      count += 1;
      if (sample.length < sampleSize) sample.push(path);
    }
    if (count === 0) return [{name: 'files-query', state: 'passed', detail: `every one of the ${plural(filled.count, 'file')} that BACKUP_FILES_QUERY names is there`}];
    return [{name: 'files-query', state: 'failed', detail: `${plural(count, 'file')} of the ${filled.count} that BACKUP_FILES_QUERY names absent: ${sample.join(', ')}`}];
  } finally {
    await list.close();
  }
}
