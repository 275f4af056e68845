import {exampleText, flagWithValue, globalFlags, nameOf, ownFlags, splitExitCodes, usageOfArg, usagesOf, type Arg, type Command, type Flag, type Group} from './manifest.ts';
import {bold, entry, escape, nameSection, page, paragraphs, section, subsection, verbatim, type Title} from './roff.ts';

/** The page of one group of commands, such as timetiles-backup(1). */
export function groupPage({name, summary, commands}: Group, {date, version}: Pick<Title, 'date' | 'version'>): string {
  const [first] = commands;
  return page({name: `timetiles-${name}`, section: 1, date, version}, [
    nameSection(`timetiles-${name}`, summary),
    section('Synopsis', commands.flatMap((command) => usagesOf(command)).flatMap((usage) => synopsisLine(usage))),
    section('Description', commands.flatMap((command) => describeCommand(command))),
    section('Global options', first ? globalFlags(first).flatMap((flag) => describeFlag(flag)) : []),
    section('Exit status', exitStatus(commands)),
    section('Examples', verbatim(commands.flatMap(({examples = []}) => examples.map((example) => exampleText(example))))),
    section('See also', [`${bold('timetiles')}(1), ${bold('bootstrap.conf')}(5)`]),
  ]);
}

/** With a hanging indent, since usages are long. */
function synopsisLine(usage: string): string[] {
  return ['.HP', escape(usage)];
}

function describeCommand(command: Command): string[] {
  const {text} = splitExitCodes(command.description ?? '');
  const args = Object.values(command.args).filter(({hidden}) => !hidden);
  return subsection(nameOf(command), [
    ...paragraphs([command.summary ?? '', text].join('\n\n')),
    ...args.flatMap((arg) => describeArg(command, arg)),
    ...ownFlags(command).flatMap((flag) => describeFlag(flag)),
  ]);
}

function describeArg(command: Command, arg: Arg): string[] {
  return entry([bold(usageOfArg(command, arg))], [escape(withChoices(arg))]);
}

function describeFlag(flag: Flag): string[] {
  return entry([bold(flagWithValue(flag))], [escape(withChoices(flag))]);
}

function withChoices({description = '', options, default: usual}: Pick<Arg, 'description' | 'options' | 'default'>): string {
  const choices = options ? [`one of ${options.join(', ')}`] : [];
  const fallback = typeof usual === 'string' || typeof usual === 'number' ? [`default: ${usual}`] : [];
  const added = [...choices, ...fallback];
  return added.length === 0 ? description : `${description} (${added.join('; ')})`;
}

/** Commands that end alike are told of together. */
function exitStatus(commands: readonly Command[]): string[] {
  const alike = new Map<string, {names: string[]; entries: string[]}>();
  for (const command of commands) {
    const entries = exitCodeEntries(command.description ?? '');
    const found = alike.get(entries.join('\n')) ?? {names: [], entries};
    found.names.push(nameOf(command));
    alike.set(entries.join('\n'), found);
  }
  return [...alike.values()].flatMap(({names, entries}) => [...(alike.size === 1 ? [] : ['.PP', `${names.map((name) => bold(name)).join(', ')}:`]), ...entries]);
}

/** The exit codes in a description, or in the help's words on them, as a list. */
export function exitCodeEntries(description: string): string[] {
  return splitExitCodes(description).exitCodes.flatMap(([code, meaning]) => entry([bold(code)], [escape(meaning)]));
}
