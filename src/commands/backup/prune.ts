import {Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {secondsOf, waitFlag} from '../../cli/duration-flag.ts';
import {renderPrune} from '../../cli/render/prune.ts';
import {pruneSets} from '../../operations/prune.ts';

export default class BackupPrune extends BaseCommand {
  static override summary = 'Remove the sets that no rule keeps, and the data that only they held.';
  static override description = `The rules are BACKUP_KEEP_LAST, _DAILY, _WEEKLY, _MONTHLY and _YEARLY; days, weeks, months and years are those of UTC. A set goes as a whole or not at all. Sets of other sources, of other hosts and those made by restores are counted apart; the newest complete set of each always stays, and so does the last one that passed a restore test. While the newest set is suspicious nothing goes, unless --force is given.\n\nOffsite, where others may be able to add sets, the same numbers are spans of time: every set of the last so many days, and the newest of each day, week, month and year within so many. Sets that this host did not make displace none of its own.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> backup prune --dry-run', '<%= config.bin %> backup prune', '<%= config.bin %> backup prune --json'];
  static override flags = {
    ...waitFlag,
    'dry-run': Flags.boolean({description: 'print what would be removed and how much that frees, and change nothing', default: false}),
    force: Flags.boolean({description: 'remove sets although the newest one is suspicious', default: false}),
  };

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupPrune);
    const options = {dryRun: flags['dry-run'], force: flags.force, wait: secondsOf(flags, 'wait')};
    return this.perform(flags, async (context) => renderPrune(await pruneSets(context, options), context.clock.now()));
  }
}
