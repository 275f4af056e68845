import {Flags} from '@oclif/core';
import {BaseCommand} from '../../cli/base-command.ts';
import {secondsOf, waitFlag} from '../../cli/duration-flag.ts';
import {completeReadData, parseReadData} from '../../cli/read-data-flag.ts';
import {offsiteFlags, findOptions} from '../../cli/offsite-flags.ts';
import {renderUploadRecord, renderVerify} from '../../cli/render/verify.ts';
import {verifyOffsite} from '../../operations/offsite/verify.ts';
import {verifyRepository} from '../../operations/verify.ts';

export default class BackupVerify extends BaseCommand {
  static override summary = 'Check the repository and the newest set in it.';
  static override description = `Without flags the structure is checked: every key, index and snapshot by its digest, every folder in the snapshots, and that every pack of data is there and has its size. --read-data reads the data too, as a restore would; --read-data=10% reads a tenth of it, the next one with each run, so that ten runs read everything. Then the manifest of the newest complete set is read. For a damaged repository the way to repair it is printed.\n\nExit codes: 0 sound, 1 damaged or failed, 2 wrong usage or configuration, 4 another run holds the lock, 130 interrupted.`;
  static override usage = 'backup verify [--offsite [--repository ID]] [--read-data[=PERCENT]] [--wait DURATION] [--json] [--config FILE] [--quiet]';
  static override examples = ['<%= config.bin %> backup verify', '<%= config.bin %> backup verify --read-data', '<%= config.bin %> backup verify --read-data=10%', '<%= config.bin %> backup verify --offsite'];
  static override flags = {
    ...offsiteFlags('check the offsite copy; credentials that can only write are told what was verified at the upload'),
    ...waitFlag,
    'read-data': Flags.string({helpValue: 'PERCENT', description: 'also read the data: all of it, or with a percentage such as 10% so much, in turns'}),
  };

  async run(): Promise<unknown> {
    this.argv = completeReadData(this.argv);
    const {flags} = await this.parse(BackupVerify);
    const wait = secondsOf(flags, 'wait');
    const readPercent = parseReadData(flags['read-data']);
    return this.perform(flags, async (context) => {
      if (!flags.offsite) return renderVerify(await verifyRepository(context, {readPercent, wait}));
      const report = await verifyOffsite(context, {readPercent}, findOptions(context, flags, !this.jsonEnabled()));
      return report.state === 'unreadable' ? renderUploadRecord(report) : renderVerify(report);
    });
  }
}
