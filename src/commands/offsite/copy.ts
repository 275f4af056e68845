import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {renderOffsite} from '../../cli/render/backup.ts';
import {copyNow} from '../../operations/offsite/copy-now.ts';

export default class OffsiteCopy extends BaseCommand {
  static override summary = 'Copy offsite what is missing there, without a backup first.';
  static override description = `What backup --offsite does after the backup; to catch up when the network was down. Trouble offsite is exit code 1 here.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> offsite copy', '<%= config.bin %> offsite copy --json'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(OffsiteCopy);
    return this.perform(flags, async (context) => renderOffsite(await copyNow(context)));
  }
}
