import {join} from 'node:path';
import {Args, Flags} from '@oclif/core';
import {sourceFlag, sourceOf} from '../cli/source-flag.ts';
import {BaseCommand, exitCodeHelp} from '../cli/base-command.ts';
import {confirmRecovery, missingPassword, repositorySettings} from '../cli/dr-dialog.ts';
import {isInteractive, pickHost} from '../cli/prompts.ts';
import {renderDr, renderDrPlan} from '../cli/render/dr.ts';
import {recoverStack} from '../operations/dr.ts';
import {TimetilesError} from '../shared/errors.ts';

export default class Dr extends BaseCommand {
  static override summary = 'Bring a stack back on a bare machine, from a repository and its password alone.';
  static override description = `Finds the newest complete set of a host, makes the volumes and the database server that are missing here (from the image that the set names, with the labels of compose), restores everything beside whatever is there, puts it in place, and checks it. The password and the keys come from the environment or the configuration; on a terminal a missing password is asked for. A machine that holds live data is refused without --replace (a dry run says so), and then its state is saved as a set first. When one source fails, the others come back all the same, and the exit code is 1. A run that was killed is finished or undone by the next command; an empty volume or server that it made is used by the next dr.\n\n${exitCodeHelp}`;
  static override usage = 'dr [REPOSITORY] [--set SET] [--host NAME] [--repository ID] [--only db|uploads] [--project NAME] [--replace] [--no-safety-backup] [--dry-run] [--yes] [--json] [--config FILE] [--quiet]';
  static override examples = [
    '<%= config.bin %> dr /mnt/usb/restic-repo',
    'AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… <%= config.bin %> dr s3:https://s3.example.org/bucket/backups',
    '<%= config.bin %> dr --dry-run',
    '<%= config.bin %> dr --host shop --yes',
    '<%= config.bin %> dr --set 20261121T020000Z-3f9a --only uploads --replace',
  ];
  static override args = {repository: Args.string({ignoreStdin: true, description: 'a path or an address as restic takes it; without it the configured local repository, if it is there, else the offsite one'})};
  static override flags = {
    set: Flags.string({helpValue: 'SET', default: 'latest', description: '`latest`, or the id of a set or its beginning'}),
    host: Flags.string({helpValue: 'NAME', description: 'where several hosts have backups in one place: the one to bring back'}),
    repository: Flags.string({helpValue: 'ID', description: 'where several hosts copy to one place: the repository whose id begins so'}),
    only: sourceFlag('bring this source alone back'),
    project: Flags.string({helpValue: 'NAME', description: 'the compose project here, if it is to have another name'}),
    replace: Flags.boolean({description: 'replace live data; it is saved as a set first'}),
    'safety-backup': Flags.boolean({description: 'with --replace: save the present state first (--no-safety-backup: do not)', default: true, allowNo: true}),
    'dry-run': Flags.boolean({description: 'print the plan and change nothing'}),
    yes: Flags.boolean({description: 'do not ask'}),
  };

  async run(): Promise<unknown> {
    const {args, flags} = await this.parse(Dr);
    const canAsk = !this.jsonEnabled();
    const {set, host, repository, project, replace, yes} = flags;
    const only = sourceOf('dr', flags, 'only');
    const named = repositorySettings(args.repository);
    const password = await missingPassword({file: flags.config, environment: {...process.env, ...named}}, canAsk);
    return this.perform(
      flags,
      async (context) => {
        const shown = {only, replace, savesFirst: flags['safety-backup']};
        const ask = canAsk && isInteractive() ? pickHost(context.signal) : undefined;
        const outcome = await recoverStack(context, {
          set, host, repository, only, project, replace, ask, named,
          dryRun: flags['dry-run'],
          safetyBackup: flags['safety-backup'],
          confirm: (plan) => confirmRecovery(context, plan, {...shown, yes, canAsk}),
        });
        if (outcome.outcome === 'recovered') return renderDr(outcome, {configFile: flags.config ?? join(context.configuration.home, 'bootstrap.conf')});
        if (flags['dry-run']) return renderDrPlan(outcome.plan, shown);
        throw new TimetilesError('interrupted', 'the recovery was declined', 'Nothing was changed.');
      },
      {...named, ...password},
    );
  }
}
