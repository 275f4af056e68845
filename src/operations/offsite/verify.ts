import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {concludeVerify, verifyUnlocked, type VerifyOptions, type VerifyReport} from '../verify.ts';
import {watchJob} from '../watch.ts';
import {ledgerOf, localRepositoryId} from './epochs.ts';
import {findCopies, type FindOptions} from './find.ts';
import {onRepository, requireOffsiteTarget} from './target.ts';

/** What is known without reading: every object was checked when it was sent. */
export interface UploadRecord {
  readonly state: 'unreadable';
  /** Why it cannot be read, and how to. */
  readonly message: string;
  readonly next: string;
  readonly epoch: string | null;
  readonly begun: Date | null;
  readonly files: number;
  readonly bytes: number;
}

/**
 * Checks the offsite copy: the newest epoch, or the repository that restic made there. Credentials that cannot read get
 * told what was verified at the upload.
 */
export async function verifyOffsite(context: Context, options: VerifyOptions, find: FindOptions): Promise<VerifyReport | UploadRecord> {
  // Nothing was checked by those that cannot read, and nothing is wrong.
  const conclude = (report: VerifyReport | UploadRecord) => (report.state === 'unreadable' ? undefined : concludeVerify(report, 'offsite', 'the offsite copy'));
  return watchJob(context, {job: 'verify-offsite', command: 'timetiles backup verify --offsite', conclude}, () => verifyCopy(context, options, find));
}

async function verifyCopy(context: Context, options: VerifyOptions, find: FindOptions): Promise<VerifyReport | UploadRecord> {
  try {
    const [newest] = await findCopies(context, find);
    if (!newest) throw new Error('no copy was found, and nothing was said of it');
    context.log.info(`checking ${newest.restic.repository}`);
    return await verifyUnlocked(onRepository(context, newest.restic), options);
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'offsite-permission') throw error;
    return uploadRecord(context, error);
  }
}

/** What this host knows of a copy that the credentials cannot read. */
export async function uploadRecord(context: Context, {message, next}: Pick<TimetilesError, 'message' | 'next'>): Promise<UploadRecord> {
  const target = requireOffsiteTarget(context);
  const ledger = target.kind === 's3' ? ledgerOf(target, await localRepositoryId(context)) : undefined;
  const sizes = [...(ledger?.sent.values() ?? [])];
  return {
    state: 'unreadable',
    message,
    next,
    epoch: ledger?.epoch?.name ?? null,
    begun: ledger?.epoch?.begun ?? null,
    files: sizes.length,
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
  };
}
