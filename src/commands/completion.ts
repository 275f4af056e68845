import {Args} from '@oclif/core';
import {BaseCommand} from '../cli/base-command.ts';
import {readCompletionScript, shells} from '../cli/complete/script.ts';

export default class Completion extends BaseCommand {
  static override summary = 'Print the completion script of a shell.';
  static override description = `The script asks the tool itself with every Tab: commands, flags and their values, and the ids of sets and snapshots with their dates, as this host last saw them listed. Whoever may not read the installation directory gets no ids. The configuration is not needed.\n\nTo try it in the shell you are in: source <(timetiles completion bash), the same with zsh, or timetiles completion fish | source. The bootstrap installs all three for good.\n\nExit codes: 0 done, 1 failed, 2 wrong usage.`;
  static override examples = [
    '<%= config.bin %> completion bash > /etc/bash_completion.d/timetiles',
    '<%= config.bin %> completion zsh > /usr/local/share/zsh/site-functions/_timetiles',
    '<%= config.bin %> completion fish > /etc/fish/completions/timetiles.fish',
  ];
  static override args = {shell: Args.option({ignoreStdin: true, options: shells, description: 'the shell'})({required: true})};

  async run(): Promise<unknown> {
    const {args} = await this.parse(Completion);
    const script = readCompletionScript(this.config.root, args.shell);
    if (!this.jsonEnabled()) process.stdout.write(script);
    return {shell: args.shell, script};
  }
}
