import {Flags} from '@oclif/core';
import {BaseCommand, exitCodeHelp} from '../../cli/base-command.ts';
import {renderProbe} from '../../cli/render/probe.ts';
import {probeOffsite} from '../../operations/offsite/probe.ts';

export default class OffsiteProbe extends BaseCommand {
  static override summary = 'Ask the offsite service what the credentials can do.';
  static override description = `Requests decide, not names: LIST, HEAD, and DELETE of a key that does not exist. With --prove a canary of a few bytes is written, and the tool tries to overwrite and to delete it, then says what a thief with these credentials could do.\n\n${exitCodeHelp}`;
  static override examples = ['<%= config.bin %> offsite probe', '<%= config.bin %> offsite probe --prove', '<%= config.bin %> offsite probe --json'];
  static override flags = {prove: Flags.boolean({description: 'write a canary, and try to overwrite and to delete it'})};

  async run(): Promise<unknown> {
    const {flags} = await this.parse(OffsiteProbe);
    return this.perform(flags, async (context) => renderProbe(await probeOffsite(context, {prove: flags.prove})));
  }
}
