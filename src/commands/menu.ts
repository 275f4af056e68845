import {Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../cli/base-command.ts';
import {isInteractive, show, wantsPlain, withAsker} from '../cli/prompts.ts';
import {abortOnSignals} from '../cli/signals.ts';
import {askMenu} from '../cli/wizard/menu.ts';
import {TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';

export default class Menu extends BaseCommand {
  static override summary = 'Choose a command from a menu; plain timetiles on a terminal does the same.';
  static override description = `The command that you choose is shown and run as if you had typed it, and its exit code is the menu's. On a terminal that cannot draw (TERM=dumb), or with --plain, the questions are plain lines with numbers.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> menu', '<%= config.bin %> menu --plain'];
  static override flags = {plain: Flags.boolean({description: 'ask on plain lines: for a screen reader or a serial console'})};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(Menu);
    if (this.jsonEnabled() || !isInteractive()) throw new TimetilesError('usage', 'there is no terminal to choose on', 'See what there is: timetiles --help');
    const signals = abortOnSignals(() => undefined);
    const plain = wantsPlain(flags);
    const {id, argv} = await withAsker(plain, signals.signal, (asker) => askMenu(asker, this.config.commands)).finally(() => signals.release());
    const common = [...(flags.config === undefined ? [] : ['--config', flags.config]), ...(flags.quiet ? ['--quiet'] : []), ...(id === 'restore' && flags.plain ? ['--plain'] : [])];
    const words = [...common, ...argv];
    show(['', `timetiles ${[...id.split(':'), ...words].map(shellWord).join(' ')}`, '']);
    return this.config.runCommand(id, words);
  }
}
