import type {Context} from '../operations/context.ts';
import type {ConfirmEdited} from '../operations/schedule-install.ts';
import {TimetilesError} from '../shared/errors.ts';
import {confirm, isInteractive, show} from './prompts.ts';

/** Shows the block that somebody edited by hand, and asks. @throws TimetilesError `usage` without a terminal and `--yes` */
export function confirmEditedBlock(context: Context, options: {yes: boolean; canAsk: boolean}): ConfirmEdited {
  return async (lines) => {
    if (options.yes) {
      context.log.info('the block in the crontab was edited by hand; that is given up');
      return 'go';
    }
    if (!options.canAsk || !isInteractive()) {
      throw new TimetilesError('usage', 'the block of timetiles in the crontab was edited by hand, and there is no terminal to ask on', 'See it with timetiles backup auto --show, then add --yes to give the edits up.');
    }
    show(['The block of timetiles in the crontab was edited by hand. It is now:', ...lines.map((line) => `  ${line}`)]);
    return (await confirm('Give these edits up?', context.signal)) ? 'go' : 'stop';
  };
}
