import {repositoryExists} from '../restic/handle.ts';
import {TimetilesError} from '../shared/errors.ts';
import type {SourceKind} from '../sources/source.ts';
import {chooseSources, newestRecord} from './choose-sources.ts';
import type {Context} from './context.ts';
import {readEarlierManifests} from './suspicion.ts';

/**
 * Looks whether a backup would find its data now, for whoever installs a schedule: it may run for the first time when
 * nobody looks. What stops it is a warning, since the stack may be started later.
 */
export async function foreseeBackup(context: Context): Promise<string[]> {
  try {
    return await lookAhead(context, undefined);
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind === 'interrupted') throw error;
    return [`a backup would fail now: ${error.message}. ${error.next}`];
  }
}

/** What a backup could not decide by itself, as the error that it would end with; undefined where it can, or fails of something else. */
export async function foreseeQuestion(context: Context, only: SourceKind | undefined): Promise<TimetilesError | undefined> {
  try {
    await lookAhead(context, only);
    return undefined;
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind === 'interrupted') throw error;
    return error.candidates.length > 0 ? error : undefined;
  }
}

async function lookAhead(context: Context, only: SourceKind | undefined): Promise<string[]> {
  const earlier = repositoryExists(context.restic) ? await readEarlierManifests(context) : [];
  const {sources, notes} = await chooseSources(context, {only, earlier});
  const tasks = await Promise.all(sources.map((source) => source.inspect(context, {allowEmpty: true, earlier: newestRecord(source.name, earlier)})));
  return [...notes, ...tasks.flatMap(({notes: more}) => more)];
}
