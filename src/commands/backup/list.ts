import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {renderList} from '../../cli/render/list.ts';
import {listSets} from '../../operations/list.ts';

export default class BackupList extends BaseCommand {
  static override summary = 'List the sets, newest first, with their snapshots.';
  static override description = `For each set: id, age, state, and of each source the snapshot, its size and what it added to the repository.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup list', '<%= config.bin %> backup list --json'];

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupList);
    return this.perform(flags, async (context) => renderList(await listSets(context), context.clock.now()));
  }
}
