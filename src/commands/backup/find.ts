import {Args, Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {findOptions, offsiteFlags} from '../../cli/offsite-flags.ts';
import {sourceFlag, sourceOf} from '../../cli/source-flag.ts';
import {renderFind} from '../../cli/render/find.ts';
import {findFiles} from '../../operations/find-files.ts';

export default class BackupFind extends BaseCommand {
  static override summary = 'Find which sets have a file, and how to get it back.';
  static override description = `PATTERN is a part of the name, or a glob with * ? [ ] for the whole of it; with a slash, it is compared with the end of the path. The same path, size and modification time in many sets is one version, shown once with the newest set that has it; newest versions come first.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup find invoice', "<%= config.bin %> backup find '2026/*.jpg' --source uploads", '<%= config.bin %> backup find photo --ignore-case --set latest', '<%= config.bin %> backup find photo --offsite --json'];
  static override args = {pattern: Args.string({required: true, ignoreStdin: true, description: 'a part of the name, or a glob'})};
  static override flags = {
    ...offsiteFlags('search the offsite copy; needs credentials that can read'),
    source: sourceFlag('search this source alone'),
    set: Flags.string({helpValue: 'SET', description: 'search this set alone: `latest`, its id, or the beginning of it'}),
    limit: Flags.integer({default: 50, min: 1, max: 20_000, helpValue: 'N', description: 'show no more versions than this'}),
    'ignore-case': Flags.boolean({char: 'i', description: 'capitals make no difference'}),
  };

  async run(): Promise<unknown> {
    const {args, flags} = await this.parse(BackupFind);
    const source = sourceOf('backup find', flags, 'source');
    return this.perform(flags, async (context) => {
      const offsite = flags.offsite ? findOptions(context, flags, !this.jsonEnabled()) : undefined;
      const {set, limit} = flags;
      const report = await findFiles(context, {pattern: args.pattern, ignoreCase: flags['ignore-case'], source, set, limit, offsite});
      return renderFind(report, offsite && {repository: flags.repository});
    });
  }
}
