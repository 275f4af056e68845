import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {offsiteFlags, findOptions} from '../../cli/offsite-flags.ts';
import {renderList, renderOffsiteList} from '../../cli/render/list.ts';
import {listSets} from '../../operations/list.ts';
import {listOffsite} from '../../operations/offsite/list.ts';

export default class BackupList extends BaseCommand {
  static override summary = 'List the sets, newest first, with their snapshots.';
  static override description = `For each set: id, age, state, and of each source the snapshot, its size and what it added to the repository. Then how far the offsite copy is behind. With --offsite the sets of the offsite copy; credentials that can only write cannot list, and that is no error.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup list', '<%= config.bin %> backup list --offsite', '<%= config.bin %> backup list --json'];
  static override flags = offsiteFlags('list the offsite copy instead of the local repository');

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupList);
    return this.perform(flags, async (context) => {
      const now = context.clock.now();
      if (!flags.offsite) return renderList(await listSets(context), now);
      return renderOffsiteList(await listOffsite(context, findOptions(context, flags, !this.jsonEnabled())), now);
    });
  }
}
