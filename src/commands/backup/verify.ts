import {Args, Flags} from '@oclif/core';
import {BaseCommand, type Rendered} from '../../cli/base-command.ts';
import {secondsOf, waitFlag} from '../../cli/duration-flag.ts';
import {completeReadData, parseReadData} from '../../cli/read-data-flag.ts';
import {offsiteFlags, findOptions} from '../../cli/offsite-flags.ts';
import {renderRestoreTest} from '../../cli/render/restore-test.ts';
import {renderUploadRecord, renderVerify} from '../../cli/render/verify.ts';
import type {Context} from '../../operations/context.ts';
import {testOffsiteRestore} from '../../operations/offsite/restore-test.ts';
import {verifyOffsite} from '../../operations/offsite/verify.ts';
import {testRestore, type RestoreTestOptions} from '../../operations/restore-test.ts';
import {verifyRepository} from '../../operations/verify.ts';
import {TimetilesError} from '../../shared/errors.ts';

export default class BackupVerify extends BaseCommand {
  static override summary = 'Check the repository, or whether a set can really be restored.';
  static override description = `Without flags the structure is checked: every key, index and snapshot by its digest, every folder in the snapshots, and that every pack of data is there and has its size. --read-data reads the data too, as a restore would; --read-data=10% reads a tenth of it, the next one with each run, so that ten runs read everything. Then the manifest of the newest complete set is read. For a damaged repository the way to repair it is printed.\n\n--restore-test restores a whole set, the newest complete one unless another is named, into a throwaway PostgreSQL and a throwaway volume, and looks through it: row counts, indexes, constraints, extensions, every file. The server comes from the image that the set was made with, has no network, at most 2 GiB of memory and half of the processors, and is removed afterwards with all it held. The live stack is not touched. The result is kept and shown by list and status; BACKUP_RESTORE_TEST_DAYS says how old it may be.\n\nExit codes: 0 sound, 1 damaged or failed, 2 wrong usage or configuration, 4 another run holds the lock, 130 interrupted.`;
  static override usage = 'backup verify [--restore-test [SET | latest] | --read-data[=PERCENT]] [--offsite [--repository ID]] [--wait DURATION] [--json] [--config FILE] [--quiet]';
  static override examples = [
    '<%= config.bin %> backup verify',
    '<%= config.bin %> backup verify --read-data',
    '<%= config.bin %> backup verify --read-data=10%',
    '<%= config.bin %> backup verify --offsite',
    '<%= config.bin %> backup verify --restore-test',
    '<%= config.bin %> backup verify --restore-test 20261121T020000Z-3f9a --offsite',
  ];
  static override args = {set: Args.string({ignoreStdin: true, description: 'with --restore-test: `latest`, the id of a set, or its beginning', default: 'latest'})};
  static override flags = {
    ...offsiteFlags('check the offsite copy; credentials that can only write are told what was verified at the upload'),
    ...waitFlag,
    'read-data': Flags.string({helpValue: 'PERCENT', description: 'also read the data: all of it, or with a percentage such as 10% so much, in turns', exclusive: ['restore-test']}),
    'restore-test': Flags.boolean({description: 'restore a set into a throwaway stack and look through it'}),
  };

  async run(): Promise<unknown> {
    this.argv = completeReadData(this.argv);
    const {args, flags} = await this.parse(BackupVerify);
    const wait = secondsOf(flags, 'wait');
    if (flags['restore-test']) return this.perform(flags, (context) => this.restoreTest(context, {wanted: args.set, wait}, flags));
    if (args.set !== 'latest') throw new TimetilesError('usage', `a set (${args.set}) is named, but a check is about the whole repository`, `To restore that set for a test: timetiles backup verify --restore-test ${args.set}`);
    const readPercent = parseReadData(flags['read-data']);
    return this.perform(flags, async (context) => {
      if (!flags.offsite) return renderVerify(await verifyRepository(context, {readPercent, wait}));
      const report = await verifyOffsite(context, {readPercent}, findOptions(context, flags, !this.jsonEnabled()));
      return report.state === 'unreadable' ? renderUploadRecord(report) : renderVerify(report);
    });
  }

  private async restoreTest(context: Context, options: RestoreTestOptions, flags: {offsite: boolean; repository?: string | undefined}): Promise<Rendered> {
    if (!flags.offsite) return renderRestoreTest(await testRestore(context, options));
    const report = await testOffsiteRestore(context, options, findOptions(context, flags, !this.jsonEnabled()));
    return report.state === 'unreadable' ? renderUploadRecord(report) : renderRestoreTest(report);
  }
}
