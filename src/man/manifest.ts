/** As much of oclif.manifest.json and package.json as a page tells: the very source of `--help`. */
export interface Tool {
  readonly version: string;
  readonly description: string;
  readonly topics: Readonly<Record<string, {readonly description: string}>>;
  readonly commands: Readonly<Record<string, Command>>;
}

export interface Command {
  readonly id: string;
  readonly summary?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly usage?: string | readonly string[];
  readonly examples?: readonly string[];
  readonly args: Readonly<Record<string, Arg>>;
  readonly flags: Readonly<Record<string, Flag>>;
}

export interface Arg {
  readonly name: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly required?: boolean;
  readonly multiple?: boolean;
  readonly options?: readonly string[];
  readonly default?: unknown;
}

export interface Flag {
  readonly name: string;
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly description?: string;
  readonly helpGroup?: string;
  readonly helpValue?: string;
  readonly hidden?: boolean;
  readonly allowNo?: boolean;
  readonly options?: readonly string[];
  readonly default?: unknown;
}

/** One page: a command with all that are below it. */
export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

/** The groups of commands, each of one word, in order. */
export function groupsOf({commands, topics}: Tool): Group[] {
  const shown = Object.values(commands).filter(({hidden}) => !hidden);
  const names = [...new Set(shown.map(({id}) => id.split(':', 1)[0] ?? id))].toSorted();
  return names.map((name) => ({
    name,
    summary: (topics[name]?.description ?? commands[name]?.summary ?? '').replace(/\.$/, ''),
    commands: shown.filter(({id}) => id === name || id.startsWith(`${name}:`)).toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  }));
}

/** A command as it is typed. */
export function nameOf({id}: Command): string {
  return `timetiles ${id.replaceAll(':', ' ')}`;
}

/** The command lines of the usage: the command's own words, else what its arguments and flags make. */
export function usagesOf(command: Command): string[] {
  if (command.usage !== undefined) return [command.usage].flat().map((usage) => `timetiles ${usage}`);
  const args = Object.values(command.args).filter(({hidden}) => !hidden).map((arg) => usageOfArg(command, arg));
  const flags = ownFlags(command).map((flag) => `[${flagWithValue(flag)}]`);
  return [[nameOf(command), ...args, ...flags].join(' ')];
}

export function usageOfArg({strict}: Command, {name, required, multiple}: Arg): string {
  const word = `${name.toUpperCase()}${multiple || strict === false ? '...' : ''}`;
  return required ? word : `[${word}]`;
}

/** A flag as `--help` shows it: `--[no-]safety-backup`, `--only=db|uploads`, `-i, --ignore-case`. */
export function flagWithValue({name, char, type, allowNo, helpValue, options}: Flag): string {
  const value = type === 'option' ? `=${helpValue ?? options?.join('|') ?? 'VALUE'}` : '';
  return `${char === undefined ? '' : `-${char}, `}--${allowNo ? '[no-]' : ''}${name}${value}`;
}

/** The flags that are this command's alone, by name. */
export function ownFlags({flags}: Command): Flag[] {
  return visible(flags).filter(({helpGroup}) => helpGroup !== 'GLOBAL');
}

/** The flags of every command. */
export function globalFlags({flags}: Command): Flag[] {
  return visible(flags).filter(({helpGroup}) => helpGroup === 'GLOBAL');
}

function visible(flags: Command['flags']): Flag[] {
  return Object.values(flags).filter(({hidden}) => !hidden).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** An example as `--help` prints it. */
export function exampleText(example: string): string {
  return example.replaceAll('<%= config.bin %>', 'timetiles');
}

/** A description and the exit codes that end it. */
export function splitExitCodes(description: string): {readonly text: string; readonly exitCodes: readonly (readonly [code: string, meaning: string])[]} {
  const [, text = description, codes = ''] = /^([\s\S]*?)\s*Exit codes: ([^\n]*)$/.exec(description) ?? [];
  const parts = codes.replace(/\.$/, '').split(/, (?=\d+ )/).filter((part) => part !== '');
  return {text, exitCodes: parts.map((part) => [part.slice(0, part.indexOf(' ')), part.slice(part.indexOf(' ') + 1)])};
}
