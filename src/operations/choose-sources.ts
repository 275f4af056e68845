import {TimetilesError} from '../shared/errors.ts';
import {settingLine} from '../config/setting-line.ts';
import {sourceByName, sources} from '../sources/registry.ts';
import type {Source, SourceKind, SourceRecord} from '../sources/source.ts';
import type {Context} from './context.ts';
import type {Manifest} from './manifest.ts';

/** What a backup is made of. */
export interface ChosenSources {
  readonly sources: readonly Source[];
  /** What the project does not have, a line each; that is no mistake. */
  readonly notes: readonly string[];
}

/**
 * Decides what a backup holds: what BACKUP_SOURCES names, else whatever the project has of each kind of data.
 * @param only the one kind that the command line asks for
 * @param earlier the manifests of the sets before: what they hold has to be there, or it may be lost
 * @throws TimetilesError where there is nothing, or not what there was; `ambiguous` where several things may be meant
 */
export async function chooseSources(context: Context, {only, earlier}: {only: SourceKind | undefined; earlier: readonly Manifest[]}): Promise<ChosenSources> {
  const wanted = only === undefined ? context.settings.BACKUP_SOURCES : [only];
  const kinds = sources.filter(({kind}) => wanted === undefined || wanted.includes(kind));
  const absent = new Map<Source, TimetilesError>();
  for (const source of kinds) {
    const reason = await source.findAbsence(context, newestRecord(source.name, earlier));
    if (!reason) continue;
    if (wanted !== undefined) throw reason;
    if (newestRecord(source.name, earlier)) throw goneSince(source, reason);
    absent.set(source, reason);
  }
  const present = kinds.filter((source) => !absent.has(source));
  const [firstReason] = absent.values();
  if (present.length === 0 && firstReason) throw firstReason;
  const found = await Promise.all(present.map(async (source) => (await source.findSources?.(context, newestRecord(source.name, earlier))) ?? [source]));
  const line = settingLine('BACKUP_SOURCES', present.map(({kind}) => kind).join(','));
  const chosen = new Set(found.flat().map(({name}) => name));
  const held = newestSourcesOf(present, earlier);
  for (const name of held) if (!chosen.has(name)) context.log.warn(`the newest backup also holds ${name}, which is not there any more, or not meant to be saved; older sets keep it until they are pruned`);
  const notes = [...absent].map(([source, reason]) => `${present.map(({name}) => name).join(' and ')} alone, without ${source.name}: ${reason.message} (to say so for good, write ${line} into bootstrap.conf)`);
  return {sources: found.flat(), notes};
}

/** What the newest set holds of a source, safety sets included: they show that there was something. Pure. */
export function newestRecord(source: string, manifests: readonly Manifest[]): SourceRecord | undefined {
  const made = manifests.filter(({imported}) => imported === undefined).toSorted((a, b) => (a.set < b.set ? 1 : -1));
  return made.flatMap((manifest) => manifest.sources.filter((record) => record.source === source))[0];
}

/** What the newest set with the first source of a kind holds of that kind. */
function newestSourcesOf(present: readonly Source[], manifests: readonly Manifest[]): string[] {
  const newestFirst = manifests.filter(({imported, beforeRestore}) => imported === undefined && beforeRestore === undefined).toSorted((a, b) => (a.set < b.set ? 1 : -1));
  return present.flatMap(({name, kind}) => {
    const newest = newestFirst.find((manifest) => manifest.sources.some(({source}) => source === name));
    return (newest?.sources ?? []).map(({source}) => source).filter((source) => sourceByName(source)?.kind === kind);
  });
}

function goneSince({name, kind}: Source, reason: TimetilesError): TimetilesError {
  const others = sources.filter((other) => other.kind !== kind).map((other) => other.kind);
  return new TimetilesError(
    reason.kind,
    `earlier backups hold ${name}, but now ${reason.message}`,
    `${reason.next}\nIf it is lost: timetiles restore latest --only ${name}. If it is gone for good, write ${settingLine('BACKUP_SOURCES', others.join(','))} into bootstrap.conf.`,
    {cause: reason, candidates: reason.candidates},
  );
}
