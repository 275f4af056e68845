import {Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {renderPolicy} from '../../cli/render/policy.ts';
import {policyLevels, providerNames} from '../../offsite/policy/types.ts';
import {offsitePolicy} from '../../operations/offsite/policy.ts';

export default class OffsitePolicyCommand extends BaseCommand {
  static override summary = 'Print the bucket policy, lock and lifecycle settings to paste.';
  static override description = `For the bucket and prefix of RESTIC_OFFSITE_REPOSITORY: the permissions of the key on this server and of the reading key for a restore, versioning, object lock, the only lifecycle rules that are safe, and what the provider cannot do. Nothing is asked of the provider or changed there.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> offsite policy', '<%= config.bin %> offsite policy --provider ceph --level append-only', '<%= config.bin %> offsite policy --level reading --json'];
  static override flags = {
    provider: Flags.option({options: providerNames, description: 'default: guessed from the host in RESTIC_OFFSITE_REPOSITORY, else generic'})(),
    level: Flags.option({options: policyLevels, default: 'write-only' as const, description: 'what the key may do'})(),
  };

  async run(): Promise<unknown> {
    const {flags} = await this.parse(OffsitePolicyCommand);
    return this.perform(flags, (context) => Promise.resolve(renderPolicy(offsitePolicy(context.configuration, flags))));
  }
}
