import {Flags} from '@oclif/core';
import {BaseCommand} from '../../cli/base-command.ts';
import {settleChoices} from '../../cli/choice-dialog.ts';
import {confirmEditedBlock} from '../../cli/schedule-dialog.ts';
import {planRequest, scheduleFlags} from '../../cli/schedule-flags.ts';
import {renderRemoval, renderSchedule} from '../../cli/render/schedule.ts';
import {installSchedule, removeSchedule, showSchedule} from '../../operations/schedule-install.ts';
import {ownProgram} from '../../process/own-program.ts';

export default class BackupAuto extends BaseCommand {
  static override summary = 'Let cron make the backups, and prune and verify them.';
  static override description = `Writes a marked block into the crontab of the user who runs this, and nothing else in there changes: the backup, by default at 02:00; each hour and after a start of the host, a backup that was missed; on Sundays prune, then verify with a tenth of the data; on the first of each month a restore test, unless BACKUP_RESTORE_TEST_DAYS is 0. What is not given gets its default, so the same command twice changes nothing. Hosts and containers without cron: timetiles scheduler.\n\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted or declined.`;
  static override examples = [
    '<%= config.bin %> backup auto --offsite',
    '<%= config.bin %> backup auto --schedule "30 3 * * *" --random-delay 1h',
    '<%= config.bin %> backup auto --show',
    '<%= config.bin %> backup auto --disable',
  ];
  static override flags = {
    ...scheduleFlags,
    show: Flags.boolean({description: 'print what is installed and when it runs next, and change nothing', exclusive: ['disable']}),
    disable: Flags.boolean({description: 'take the block out; the crontab is then what it was before'}),
    yes: Flags.boolean({description: 'do not ask before a block that was edited by hand is replaced or removed'}),
  };

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupAuto);
    const request = planRequest(flags);
    return this.perform(flags, async (context) => {
      if (flags.show) return renderSchedule(await showSchedule(context), {showLines: true});
      const confirmEdited = confirmEditedBlock(context, {yes: flags.yes, canAsk: !this.jsonEnabled()});
      if (flags.disable) return renderRemoval(await removeSchedule(context, confirmEdited));
      const tool = ownProgram({root: this.config.root, execPath: process.execPath, environment: process.env});
      const settled = await settleChoices(context, {only: undefined, canAsk: !this.jsonEnabled()});
      const report = await installSchedule(settled, {...request, tool, environment: process.env, confirmEdited});
      return renderSchedule(report, {showLines: false});
    });
  }
}
