import {exitCodeHelp} from '../../cli/base-command.ts';
import {BackupCommand, backupFlags} from '../../cli/backup-command.ts';

export default class BackupDb extends BackupCommand {
  static override summary = 'Back up the database alone, as a set of its own.';
  static override hiddenAliases = ['backup:database'];
  static override description = exitCodeHelp;
  static override examples = ['<%= config.bin %> backup db', '<%= config.bin %> backup db --offsite'];
  static override flags = {wait: backupFlags.wait, offsite: backupFlags.offsite, 'require-offsite': backupFlags['require-offsite'], 'accept-smaller': backupFlags['accept-smaller'], 'new-repository': backupFlags['new-repository']};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupDb);
    return this.makeSet({...flags, 'allow-empty': false}, 'db');
  }
}
