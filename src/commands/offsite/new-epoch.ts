import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {renderOffsite} from '../../cli/render/backup.ts';
import {beginNewEpoch} from '../../operations/offsite/copy-now.ts';

export default class OffsiteNewEpoch extends BaseCommand {
  static override summary = 'Begin a fresh write-only copy, and upload it whole.';
  static override description = `For when what is offsite cannot be trusted any more: somebody pruned, deleted or overwrote there; or when the old password shall not open it any more, since old key files stay in an epoch. Older epochs stay as they are. An upload that is interrupted is finished by the next backup --offsite.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> offsite new-epoch'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(OffsiteNewEpoch);
    return this.perform(flags, async (context) => renderOffsite(await beginNewEpoch(context)));
  }
}
