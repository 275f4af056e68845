import {exitCodeHelp} from '../../cli/base-command.ts';
import {BackupCommand, backupFlags, timingFlags} from '../../cli/backup-command.ts';

export default class Backup extends BackupCommand {
  static override summary = 'Back up the database and the uploads as one set.';
  static override description = `The dump streams from the database's own container into the encrypted repository; it never lies on a disk. The repository is made on first use. With --offsite every set that is missing there is copied; with credentials that cannot delete, or can only write, the repository's files are replicated as they are. A set that has much less than those before it is kept and called suspicious, until --accept-smaller says that it is right.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup', '<%= config.bin %> backup --offsite', '<%= config.bin %> backup --accept-smaller', '<%= config.bin %> backup --if-older-than 25h --wait 10m', '<%= config.bin %> backup --json', '<%= config.bin %> backup --config /etc/shop/backup.conf'];
  static override flags = {...backupFlags, ...timingFlags};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(Backup);
    return this.makeSet(flags);
  }
}
