import {exitCodeHelp} from '../../cli/base-command.ts';
import {BackupCommand, backupFlags} from '../../cli/backup-command.ts';

export default class BackupUploads extends BackupCommand {
  static override summary = 'Back up the uploads alone, as a set of its own.';
  static override description = `Owners, modes, times, links and extended attributes are kept. An uploads volume that has suddenly become empty is an error.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup uploads', '<%= config.bin %> backup uploads --allow-empty'];
  static override flags = backupFlags;

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupUploads);
    return this.makeSet(flags, 'uploads');
  }
}
