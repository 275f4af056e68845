import {Args, Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {secondsOf, waitFlag} from '../../cli/duration-flag.ts';
import {confirmImport} from '../../cli/import-dialog.ts';
import {renderImport, renderImportPlan} from '../../cli/render/import.ts';
import {importFiles} from '../../operations/import.ts';
import {TimetilesError} from '../../shared/errors.ts';

export default class BackupImport extends BaseCommand {
  static override summary = 'Take dumps and archives of other scripts into the repository, with their original dates.';
  static override description = `Takes what pg_dump wrote (plain, custom or tar format) and tar archives of the uploads, as they are or compressed by gzip, bzip2, xz or zstd; what a file is, its content tells. Its time comes from --date, its name (2024-05-31, 20240531_020000), its folder's name, its own header, or its mtime; a time without zone is that of this host. A dump and an archive of one time, or of one day where there is one of each, become one set.\n\nWhat is not whole, is encrypted or holds more than one database is refused with the reason, and nothing of it is stored. A file that was imported before is skipped. Imported sets can be listed, restored, tested and pruned like others; they never count as a backup of today, and never displace a set that this tool made. Archives are unpacked into a directory of mode 0700 first, which goes away afterwards.\n\n${exitCodeHelp}`;
  static override examples = [
    '<%= config.bin %> backup import /backups/db-2024-05-31.sql.gz /backups/uploads-2024-05-31.tar.gz',
    '<%= config.bin %> backup import /backups/* --dry-run',
    '<%= config.bin %> backup import old.dump --date "2023-11-02 02:00" --yes',
    '<%= config.bin %> backup import files.tar --strip 3 --staging /mnt/big',
  ];
  static override strict = false;
  static override args = {file: Args.string({required: true, ignoreStdin: true, description: 'a dump or an archive; several may be given'})};
  static override flags = {
    ...waitFlag,
    date: Flags.string({helpValue: 'TIME', description: 'when the files were made; for one dump, one archive, or one of each'}),
    strip: Flags.integer({helpValue: 'N', min: 0, description: "so many of an archive's top folders lead to the files; without it, the folder that tar was given"}),
    staging: Flags.string({helpValue: 'DIR', description: 'unpack archives below this directory instead of beside the state of this tool'}),
    'dry-run': Flags.boolean({description: 'print the plan and change nothing'}),
    yes: Flags.boolean({description: 'do not ask'}),
  };

  async run(): Promise<unknown> {
    const {argv, flags} = await this.parse(BackupImport);
    const {date, strip, staging, yes, 'dry-run': dryRun} = flags;
    return this.perform(flags, async (context) => {
      const outcome = await importFiles(context, {
        files: argv.map(String),
        date, strip, staging,
        wait: secondsOf(flags, 'wait'),
        confirm: (plan) => (dryRun ? Promise.resolve('stop') : confirmImport(context, plan, {yes, canAsk: !this.jsonEnabled()})),
      });
      if (outcome.state === 'done') return renderImport(outcome);
      if (dryRun) return renderImportPlan(outcome.plan);
      throw new TimetilesError('interrupted', 'the import was declined', 'Nothing was changed.');
    });
  }
}
