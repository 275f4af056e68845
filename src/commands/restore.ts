import {resolve} from 'node:path';
import {Args, Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp, type Rendered} from '../cli/base-command.ts';
import {offsiteFlags, findOptions} from '../cli/offsite-flags.ts';
import {renderInspection, renderPlan, renderRestore} from '../cli/render/restore.ts';
import {confirmPlan, wishedRestore} from '../cli/restore-dialog.ts';
import {sourceFlag, sourceOf} from '../cli/source-flag.ts';
import {returnToPrevious, undoFlags, type UndoOptions} from '../cli/undo-dialog.ts';
import type {Context} from '../operations/context.ts';
import {restoreToDirectory} from '../operations/inspect.ts';
import {contextForSet} from '../operations/offsite/find.ts';
import {restoreInPlace, type RestoreRequest} from '../operations/restore.ts';
import {TimetilesError} from '../shared/errors.ts';

export default class Restore extends BaseCommand {
  static override summary = 'Restore a set in place, or into a directory for inspection.';
  static override description = `In place: the present state is saved as a set first; the new data is brought in beside the live one and checked; only then is the app stopped for the moment in which they change places. A failure leaves the old data. The next command finishes or undoes what a crash left. The data from before is kept until the next backup, or for --keep-previous DAYS; --undo returns to it.\n\n${exitCodeHelp}`;
  static override usage = [
    'restore [latest | SET | SNAPSHOT] [--offsite [--repository ID]] [--only db|uploads] [--target DIR [--path P] | --dry-run] [--yes] [--no-safety-backup] [--keep-previous DAYS] [--best-effort] [--plain] [--json] [--config FILE] [--quiet]',
    'restore --undo [--dry-run] [--yes] [--no-safety-backup] [--json] [--config FILE] [--quiet]',
    'restore --drop-previous [--json] [--config FILE] [--quiet]',
  ];
  static override examples = [
    '<%= config.bin %> restore',
    '<%= config.bin %> restore --plain',
    '<%= config.bin %> restore latest --yes',
    '<%= config.bin %> restore 20261121T020000Z-3f9a --only db',
    '<%= config.bin %> restore latest --offsite',
    '<%= config.bin %> restore latest --target /tmp/look',
    '<%= config.bin %> restore latest --path 2026/photo.jpg --target /tmp/look',
    '<%= config.bin %> restore --undo',
    '<%= config.bin %> restore latest --best-effort --target /tmp/look',
  ];
  static override args = {set: Args.string({ignoreStdin: true, description: '`latest`, the id of a set or of one snapshot, or the beginning of an id; without it a dialog leads you'})};
  static override flags = {
    ...undoFlags,
    ...offsiteFlags('read the set from the offsite copy; needs credentials that can read'),
    only: sourceFlag('restore this source alone'),
    target: Flags.string({helpValue: 'DIR', description: 'write into this new or empty directory; nothing live is touched'}),
    path: Flags.string({helpValue: 'P', description: 'with --target: one file or folder of the uploads, or database.sql', dependsOn: ['target']}),
    'dry-run': Flags.boolean({description: 'print the plan and change nothing', exclusive: ['target']}),
    'best-effort': Flags.boolean({description: 'of a damaged set restore what is intact and name what is missing, exit 3', exclusive: ['path']}),
    yes: Flags.boolean({description: 'do not ask', aliases: ['force']}),
    plain: Flags.boolean({description: 'ask on plain lines: for a screen reader or a serial console'}),
    'safety-backup': Flags.boolean({description: 'save the present state first (--no-safety-backup: do not)', default: true, allowNo: true}),
  };

  async run(): Promise<unknown> {
    const {args, flags} = await this.parse(Restore);
    const named = sourceOf('restore', flags, 'only');
    return this.perform(flags, async (context) => {
      const canAsk = !this.jsonEnabled();
      const {plain, yes, 'best-effort': bestEffort} = flags;
      const options = {dryRun: flags['dry-run'], safetyBackup: flags['safety-backup'], yes, plain, canAsk, keepDays: flags['keep-previous']};
      if (flags.undo || flags['drop-previous']) return returnToPrevious(context, args.set, flags.undo, {...options, isFromDialog: false});
      const find = findOptions(context, flags, canAsk);
      const {set: wanted, offsite, only, path, target, isFromDialog} = await wishedRestore(context, args.set, {...flags, only: named}, find, canAsk);
      const from = offsite ? await contextForSet(context, wanted, only, find) : context;
      if (target !== undefined) {
        return renderInspection(await restoreToDirectory(from, {wanted, only, path, bestEffort, directory: resolve(target), local: context}));
      }
      return this.inPlace(context, {wanted, only, from, bestEffort}, {...options, isFromDialog});
    });
  }

  private async inPlace(
    context: Context,
    choice: Pick<RestoreRequest, 'wanted' | 'only' | 'from' | 'bestEffort'>,
    options: UndoOptions,
  ): Promise<Rendered> {
    const outcome = await restoreInPlace(context, {
      ...choice,
      safetyBackup: options.safetyBackup,
      keepDays: options.keepDays,
      lookForDamage: options.dryRun,
      confirm: (plan) => (options.dryRun ? Promise.resolve('stop') : confirmPlan(context, plan, options)),
    });
    if (outcome.state === 'done') return renderRestore(outcome);
    if (options.dryRun) return renderPlan(outcome.plan, options.safetyBackup);
    throw new TimetilesError('interrupted', 'the restore was declined', 'Nothing was changed.');
  }
}
