import {BaseCommand} from '../../cli/base-command.ts';
import {renderEffective} from '../../cli/render/config.ts';
import {effectiveConfiguration} from '../../config/effective.ts';

export default class ConfigShow extends BaseCommand {
  static override summary = 'Print the configuration that is in effect, and where each value comes from.';
  static override description = 'The later wins: default, bootstrap.conf, .env.production, environment. Of secrets it says only whether they are set.\n\nExit codes: 0 done, 2 the configuration is wrong (timetiles config check lists everything that is).';
  static override examples = ['<%= config.bin %> config show', '<%= config.bin %> config show --json'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(ConfigShow);
    return this.show(renderEffective(effectiveConfiguration({file: flags.config, environment: process.env})));
  }
}
