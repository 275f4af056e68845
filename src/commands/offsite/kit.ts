import {Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {askPassword} from '../../cli/prompts.ts';
import {renderKit, renderKitCheck} from '../../cli/render/kit.ts';
import {checkKit, kitFacts} from '../../operations/offsite/kit.ts';

export default class OffsiteKit extends BaseCommand {
  static override summary = 'Print the emergency kit, to keep on paper beside the password.';
  static override description = `Where the backups are, the files without which they cannot be opened, and the exact commands to restore them, also without timetiles. The password and secret keys are never in it. With --check you type the password that you wrote down, and the tool proves that it opens both repositories.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> offsite kit > kit.txt', '<%= config.bin %> offsite kit --qr', '<%= config.bin %> offsite kit --check'];
  static override flags = {
    qr: Flags.boolean({description: 'also draw the essentials as a QR code; wants a terminal of 125 columns', exclusive: ['check']}),
    check: Flags.boolean({description: 'ask for the password, and prove that it opens both repositories'}),
  };

  async run(): Promise<unknown> {
    const {flags} = await this.parse(OffsiteKit);
    return this.perform(flags, async (context) => {
      if (!flags.check) return renderKit(await kitFacts(context), flags);
      return renderKitCheck(await checkKit(context, await askPassword('The repository password, as you wrote it down:', context.signal)));
    });
  }
}
