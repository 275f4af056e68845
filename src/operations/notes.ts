import type {BackupTask, Source} from '../sources/source.ts';
import type {Manifest} from './manifest.ts';

/**
 * Those notes of the sources that the newest earlier set does not have: a note is told once, and again when it changes,
 * not each night. Pure.
 * @param earlier manifests of this project, in any order
 */
export function newNotes(tasks: readonly {readonly source: Pick<Source, 'name'>; readonly task: Pick<BackupTask, 'notes'>}[], earlier: readonly Manifest[]): string[] {
  return tasks.flatMap(({source, task}) => {
    const records = earlier
      .filter(({imported}) => imported === undefined)
      .toSorted((a, b) => (a.set < b.set ? 1 : -1))
      .flatMap(({sources}) => sources.filter((record) => record.source === source.name));
    const known = new Set(records[0]?.notes);
    return task.notes.filter((note) => !known.has(note)).map((note) => `${source.name}: ${note}`);
  });
}
