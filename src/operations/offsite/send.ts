import type {CredentialLevel} from '../../offsite/level.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {formatBytes, plural} from '../../shared/format.ts';
import {damageKeys} from '../alert-keys.ts';
import {raiseAlert} from '../alerts.ts';
import type {Context} from '../context.ts';
import {readKnownSets} from '../known-sets.ts';
import {copySets} from './copy.ts';
import {replicateToEpoch} from './epochs.ts';
import {isRefusal, offsiteError} from './explain.ts';
import {countNewer} from './lag.ts';
import {askLevel, credentialLevel, usesEpochs} from './level.ts';
import {readState, updateState} from './state.ts';
import {connectS3, offsiteTarget, type OffsiteTarget, type S3Target} from './target.ts';

/** What became of the offsite copy in one run. */
export interface OffsiteReport {
  readonly state: 'done' | 'skipped' | 'failed';
  /** Null where it is not known; backends other than S3 are not asked. */
  readonly level: CredentialLevel | null;
  /** Objects that were sent, or snapshots that restic copied. */
  readonly files: number;
  /** Bytes that were sent; null where restic does the copying and does not tell. */
  readonly bytes: number | null;
  /** Complete sets here that are newer than the newest one there; null when nobody can tell. */
  readonly lagSets: number | null;
  readonly message: string;
}

export interface SendOptions {
  /** Make a new offsite repository although the one that was used before is gone. */
  readonly newRepository: boolean;
  /** Begin a new epoch. */
  readonly startAnew: boolean;
}

interface Sent {
  readonly level: CredentialLevel | null;
  readonly files: number;
  readonly bytes: number | null;
  readonly message: string;
}

/**
 * Copies what the offsite side lacks, under the repository's lock. Its trouble never fails a good local backup: every
 * failure becomes a report, and is remembered. @throws TimetilesError `interrupted` alone
 */
export async function sendOffsite(context: Context, options: SendOptions): Promise<OffsiteReport> {
  let target: OffsiteTarget | undefined;
  try {
    target = offsiteTarget(context);
    if (!target) return {...nothing, state: 'skipped', message: 'RESTIC_OFFSITE_REPOSITORY is not set: nothing leaves this host'};
    await updateState(target, {last: {state: 'failed', time: context.clock.now().toISOString(), message: 'it did not come to its end'}});
    const sent = target.kind === 's3' ? await sendToS3(context, target, options) : await copyWithRestic(context, target, null, options);
    await remember(context, target, sent);
    return {state: 'done', ...sent, lagSets: 0};
  } catch (thrown) {
    context.signal.throwIfAborted();
    return reportFailure(context, target, thrown);
  }
}

const nothing = {level: null, files: 0, bytes: 0, lagSets: null};

async function sendToS3(context: Context, target: S3Target, options: SendOptions): Promise<Sent> {
  const client = connectS3(context, target);
  const send = (level: CredentialLevel) =>
    usesEpochs(context, level) ? replicateEpoch(context, target, client, level, options) : copyWithRestic(context, target, level, options);
  try {
    const {level, fresh} = await credentialLevel(context, target, client);
    try {
      return await send(level);
    } catch (error) {
      // What the key may do can have changed at the provider since it was asked.
      if (fresh || !isRefusal(error)) throw error;
      const now = await askLevel(context, target, client);
      if (now === level) throw error;
      return await send(now);
    }
  } finally {
    client.close();
  }
}

async function replicateEpoch(context: Context, target: S3Target, client: Parameters<typeof replicateToEpoch>[2], level: CredentialLevel, {startAnew}: SendOptions): Promise<Sent> {
  const {files, bytes, epoch} = await replicateToEpoch(context, target, client, {startAnew});
  const what = files === 0 ? 'nothing new' : `${plural(files, 'file')}, ${formatBytes(bytes)} sent`;
  return {level, files, bytes, message: `${what}, ${level} credentials, epoch ${epoch}`};
}

async function copyWithRestic(context: Context, target: OffsiteTarget, level: CredentialLevel | null, {newRepository}: SendOptions): Promise<Sent> {
  const {sets, snapshots} = await copySets(context, target, {newRepository});
  const what = sets === 0 ? 'nothing new' : `${plural(sets, 'set')} copied`;
  return {level, files: snapshots, bytes: null, message: level === null ? what : `${what}, ${level} credentials`};
}

async function remember(context: Context, target: OffsiteTarget, sent: Sent): Promise<void> {
  const time = context.clock.now().toISOString();
  const newest = (await readKnownSets(context)).find((set) => set.state === 'complete')?.id;
  await updateState(target, {last: {state: 'done', time, message: sent.message}, ...(newest !== undefined && {newest: {set: newest, copied: time}})});
}

async function reportFailure(context: Context, target: OffsiteTarget | undefined, thrown: unknown): Promise<OffsiteReport> {
  const error = target ? offsiteError(thrown, target) : thrown;
  if (!(error instanceof TimetilesError)) throw thrown;
  const {message, next} = error;
  context.log.warn(`offsite copy failed: ${message}. ${next}`);
  try {
    return await describeLasting(context, target, error);
  } catch (further) {
    // A full disk keeps the failure from being remembered too; the set is stored all the same.
    context.signal.throwIfAborted();
    context.log.warn(`the failure of the offsite copy cannot be remembered: ${messageOf(further)}`);
    return {...nothing, state: 'failed', message};
  }
}

/** What the failure leaves behind: an alert where something is damaged, a note for `backup status`, the lag. */
async function describeLasting(context: Context, target: OffsiteTarget | undefined, {kind, message, next}: TimetilesError): Promise<OffsiteReport> {
  if (kind === 'repository-damaged') await raiseAlert(context, {key: damageKeys('local').data, kind, message, next, command: 'timetiles backup --offsite'});
  if (!target) return {...nothing, state: 'failed', message};
  await updateState(target, {last: {state: 'failed', time: context.clock.now().toISOString(), message}});
  const {level, newest} = readState(target);
  const lagSets = countNewer(await readKnownSets(context), newest?.set);
  return {...nothing, state: 'failed', level: level?.level ?? null, lagSets, message};
}
