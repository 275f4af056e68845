import {BaseCommand} from '../cli/base-command.ts';
import {renderDoctor} from '../cli/render/doctor.ts';
import {examine} from '../operations/doctor.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Check configuration and host, each finding with its remedy.';
  static override description = 'Exit codes: 0 a backup can run, 1 something would make it fail, 2 wrong usage or configuration.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(Doctor);
    return this.perform(flags, async (context) => renderDoctor(await examine(context)));
  }
}
