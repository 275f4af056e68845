import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {withRepositoryLock} from '../lock.ts';
import {finishInterruptedRestoreOrWarn} from '../recover.ts';
import {concludeRestoreTest, testRestoreUnlocked, type RestoreTestOptions, type RestoreTestReport} from '../restore-test.ts';
import {watchJob} from '../watch.ts';
import {contextForSet, type FindOptions} from './find.ts';
import {uploadRecord, type UploadRecord} from './verify.ts';

/**
 * The restore test of a set of the offsite copy. Credentials that cannot read get told what was verified at the upload:
 * nothing was tested then, and nothing is wrong. The lock is that of the local repository, as with every restore.
 */
export async function testOffsiteRestore(context: Context, options: RestoreTestOptions, find: FindOptions): Promise<RestoreTestReport | UploadRecord> {
  const command = 'timetiles backup verify --offsite --restore-test';
  const conclude = (report: RestoreTestReport | UploadRecord) => (report.state === 'unreadable' ? undefined : concludeRestoreTest(report));
  const work = async () => {
    await finishInterruptedRestoreOrWarn(context);
    let from: Context;
    try {
      from = await contextForSet(context, options.wanted, undefined, find);
    } catch (error) {
      if (!(error instanceof TimetilesError) || error.kind !== 'offsite-permission') throw error;
      return uploadRecord(context, error);
    }
    return testRestoreUnlocked(context, from, 'offsite', options);
  };
  return watchJob(context, {job: 'restore-test-offsite', command, conclude}, () => withRepositoryLock(context, command, work, {wait: options.wait}));
}
