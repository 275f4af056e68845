import {mayDeleteOnRestServer} from '../../offsite/rest-server.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {pruneUnlocked, type PruneOptions, type PruneReport, type SharedRepository} from '../prune-repository.ts';
import {withoutStaleLocks} from './copy.ts';
import {offsiteError} from './explain.ts';
import {credentialLevel} from './level.ts';
import {readState, updateState} from './state.ts';
import {connectS3, offsiteRestic, offsiteTarget, onRepository, type OffsiteTarget, type S3Target} from './target.ts';

/** What retention did offsite. `skipped` is what credentials without delete are for, and no trouble. */
export type OffsitePruneReport =
  | {readonly state: 'done'; readonly report: PruneReport; readonly message: string}
  | {readonly state: 'skipped' | 'failed'; readonly report: null; readonly message: string};

/**
 * Applies the retention offsite where the credentials allow it, under the local repository's lock: other keys may be able
 * to add to that repository, and to remove nothing. Null where no offsite copy is configured. @throws TimetilesError `interrupted` alone: trouble offsite never fails a prune here
 */
export async function pruneOffsite(context: Context, options: PruneOptions, shared: SharedRepository): Promise<OffsitePruneReport | null> {
  let target: OffsiteTarget | undefined;
  try {
    target = offsiteTarget(context);
    if (!target) return null;
    const reason = await reasonToSkip(context, target);
    if (reason !== undefined) return {state: 'skipped', report: null, message: reason};
    const there = onRepository(context, offsiteRestic(context, target));
    const ownSets = await rememberOwnSets(target, shared.ownSets, options);
    const report = await withoutStaleLocks(context, target, () => pruneUnlocked(there, options, {...shared, ownSets}));
    if (!options.dryRun) await updateState(target, {ownSets: [...new Set([...shared.ownSets, ...report.kept.map(({set}) => set.id).filter((id) => ownSets.has(id))])]});
    return {state: 'done', report, message: describeReport(report)};
  } catch (thrown) {
    context.signal.throwIfAborted();
    const error = target ? offsiteError(thrown, target) : thrown;
    const next = error instanceof TimetilesError ? ` ${error.next}` : '';
    context.log.warn(`offsite prune failed: ${messageOf(error)}.${next}`);
    return {state: 'failed', report: null, message: messageOf(error)};
  }
}

/** What goes here now may stay there, and is still this host's own. */
async function rememberOwnSets(target: OffsiteTarget, local: ReadonlySet<string>, {dryRun}: PruneOptions): Promise<ReadonlySet<string>> {
  const known = new Set([...local, ...(readState(target).ownSets ?? [])]);
  if (!dryRun) await updateState(target, {ownSets: [...known]});
  return known;
}

function describeReport({dryRun, held, removed, kept}: PruneReport): string {
  if (held !== null) return `nothing ${dryRun ? 'would be' : 'was'} removed, as here`;
  return `${removed.length} of ${removed.length + kept.length} sets ${dryRun ? 'would be removed' : 'removed'}`;
}

async function reasonToSkip(context: Context, target: OffsiteTarget): Promise<string | undefined> {
  const reason = target.kind === 's3' ? await reasonOnS3(context, target) : await reasonOnOther(context, target);
  return reason ?? (readState(target).repository === undefined ? 'this host has copied no set there with restic yet' : undefined);
}

async function reasonOnOther(context: Context, target: OffsiteTarget): Promise<string | undefined> {
  if (await mayDeleteOnRestServer(target.url, context.configuration.resticEnvironment, context.signal)) return undefined;
  return `${target.shownUrl} is append-only: nothing can be removed from here. Prune on the server itself`;
}

async function reasonOnS3(context: Context, target: S3Target): Promise<string | undefined> {
  if (context.settings.OFFSITE_EXPIRE_DAYS > 0) return `the bucket itself expires old copies after ${context.settings.OFFSITE_EXPIRE_DAYS} days (OFFSITE_EXPIRE_DAYS)`;
  const client = connectS3(context, target);
  try {
    const {level} = await credentialLevel(context, target, client);
    return level === 'read-write' ? undefined : `${level} credentials cannot remove anything, as intended: the offsite copy keeps every set. To begin a smaller copy: timetiles offsite new-epoch`;
  } finally {
    client.close();
  }
}
