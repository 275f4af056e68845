import {Flags} from '@oclif/core';
import {BaseCommand} from '../../cli/base-command.ts';
import {renderStatus} from '../../cli/render/status.ts';
import {metricsText, writeMetrics} from '../../operations/metrics.ts';
import {readStatus} from '../../operations/status.ts';

export default class BackupStatus extends BaseCommand {
  static override summary = 'Tell whether backups are made and can be relied on.';
  static override description = 'For each source the newest complete set, its age, its size and how that went over the last 14 sets; then space, offsite copy and the last verify, restore test and prune. A backup is stale when it is older than BACKUP_MAX_AGE_HOURS.\n\nExit codes: 0 all is well, 1 something is stale, missing, suspicious, unfinished or failed, 2 wrong usage or configuration, 130 interrupted.';
  static override examples = ['<%= config.bin %> backup status', '<%= config.bin %> backup status --json', '<%= config.bin %> backup status --prometheus /var/lib/prometheus/node-exporter/timetiles.prom'];
  static override flags = {prometheus: Flags.string({helpValue: 'FILE', description: "also write it there for node_exporter's textfile collector"})};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(BackupStatus);
    return this.perform(flags, async (context) => {
      const now = context.clock.now();
      const report = await readStatus(context);
      if (flags.prometheus !== undefined) await writeMetrics(flags.prometheus, metricsText(report, now));
      return renderStatus(report, {now, terminal: process.stdout.isTTY});
    });
  }
}
