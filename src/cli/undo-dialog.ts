import {Flags} from '@oclif/core';
import type {Context} from '../operations/context.ts';
import {dropKeptState, undoRestore} from '../operations/undo.ts';
import {TimetilesError} from '../shared/errors.ts';
import type {Rendered} from './base-command.ts';
import {renderDropped, renderShownPlan, renderUndo} from './render/undo.ts';
import {confirmLines, type ConfirmOptions} from './restore-dialog.ts';

/** What does not go together with a return to the state before. */
const aboutSets = ['only', 'target', 'path', 'offsite', 'repository', 'best-effort'];

/** The flags of `restore` about the state before it. */
export const undoFlags = {
  undo: Flags.boolean({description: 'return to the state before the last restore', exclusive: [...aboutSets, 'drop-previous']}),
  'keep-previous': Flags.integer({helpValue: 'DAYS', min: 0, max: 3650, description: 'keep the data from before for so many days, through backups; 0: remove it at once. Without it: until the next backup', exclusive: ['target', 'drop-previous']}),
  'drop-previous': Flags.boolean({description: 'remove the data that the last restore kept; its safety set stays', exclusive: [...aboutSets, 'undo', 'dry-run']}),
};

export interface UndoOptions extends ConfirmOptions {
  readonly dryRun: boolean;
  readonly keepDays: number | undefined;
}

/** `restore --undo` and `restore --drop-previous`. @throws TimetilesError `usage` when a set is named */
export async function returnToPrevious(context: Context, named: string | undefined, undo: boolean, options: UndoOptions): Promise<Rendered> {
  if (named !== undefined) throw new TimetilesError('usage', `${undo ? '--undo' : '--drop-previous'} is about the last restore and takes no set`, `To restore that set: timetiles restore ${named}`);
  if (!undo) return renderDropped(await dropKeptState(context));
  const {safetyBackup, keepDays} = options;
  const outcome = await undoRestore(context, {
    safetyBackup,
    keepDays,
    confirm: (plan) => (options.dryRun ? Promise.resolve('stop') : confirmLines(context, plan, options)),
  });
  if (outcome.state !== 'planned') return renderUndo(outcome);
  if (options.dryRun) return renderShownPlan(outcome.plan);
  throw new TimetilesError('interrupted', 'the undo was declined', 'Nothing was changed.');
}
