import {exitCodeHelp} from '../../cli/base-command.ts';
import {BackupCommand, backupFlags, timingFlags} from '../../cli/backup-command.ts';

export default class BackupFull extends BackupCommand {
  static override summary = 'The same as `timetiles backup`: the database and the uploads as one set.';
  static override description = exitCodeHelp;
  static override examples = ['<%= config.bin %> backup full', '<%= config.bin %> backup full --offsite'];
  static override flags = {...backupFlags, ...timingFlags};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupFull);
    return this.makeSet(flags);
  }
}
