import {BaseCommand} from '../cli/base-command.ts';
import {planRequest, scheduleFlags} from '../cli/schedule-flags.ts';
import {abortOnSecondSignal} from '../cli/signals.ts';
import {runScheduler} from '../operations/scheduler.ts';
import {ownProgram} from '../process/own-program.ts';
import {exitCodes} from '../shared/errors.ts';

export default class Scheduler extends BaseCommand {
  static override summary = 'Run the schedule in the foreground, for containers and hosts without cron.';
  static override description = `Does what backup auto lets cron do, by the time zone of TZ or the host, and begins with a backup that was missed. Each job is a process of its own. SIGTERM or Ctrl-C asks the one at work to end in order and waits for it; a second one kills it, which the next run makes good.\n\nExit codes: 0 stopped while idle, 1 failed, 2 wrong usage or configuration, 130 stopped while a job was at work.`;
  static override examples = ['<%= config.bin %> scheduler --offsite', '<%= config.bin %> scheduler --schedule "30 3 * * *"'];
  static override flags = scheduleFlags;

  async run(): Promise<unknown> {
    const {flags} = await this.parse(Scheduler);
    const request = planRequest(flags);
    const second = abortOnSecondSignal();
    try {
      return await this.perform(flags, async (context) => {
        const outcome = await runScheduler(context, {
          ...request,
          tool: ownProgram({root: this.config.root, execPath: process.execPath, environment: process.env}),
          environment: process.env,
          quiet: flags.quiet,
          print: (line) => process.stderr.write(`${line}\n`),
          kill: second.signal,
        });
        return {text: '', json: outcome, exitCode: outcome.state === 'idle' ? exitCodes.done : exitCodes.interrupted};
      });
    } finally {
      second.release();
    }
  }
}
