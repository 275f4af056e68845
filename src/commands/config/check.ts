import {Args} from '@oclif/core';
import {BaseCommand} from '../../cli/base-command.ts';
import {renderChecks} from '../../cli/render/config.ts';
import {checkConfiguration} from '../../config/check-file.ts';
import {TimetilesError} from '../../shared/errors.ts';

export default class ConfigCheck extends BaseCommand {
  static override summary = 'Check a configuration file, and name everything that is wrong in it.';
  static override description =
    'Keys, values, quotes and the mode of the file, each problem with its line and remedy. The file is read alone, as bootstrap.conf would be, or as .env.production if that is its name; nothing else is looked at. Without FILE: the files of this installation.\n\nExit codes: 0 nothing is wrong, 2 something is.';
  static override examples = ['<%= config.bin %> config check bootstrap.conf', '<%= config.bin %> config check', '<%= config.bin %> config check new.conf --json'];
  static override args = {file: Args.string({name: 'FILE', description: 'the file to check'})};

  async run(): Promise<unknown> {
    const {args, flags} = await this.parse(ConfigCheck);
    if (args.file !== undefined && flags.config !== undefined) throw new TimetilesError('usage', 'two files are named, by FILE and by --config', 'Name one of them.');
    return this.show(renderChecks(checkConfiguration({file: args.file ?? flags.config, environment: process.env})));
  }
}
