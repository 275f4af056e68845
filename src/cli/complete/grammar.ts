/** As much of oclif.manifest.json as completion needs. */
interface CommandShape {
  readonly summary?: string;
  readonly hidden?: boolean;
  readonly strict?: boolean;
  readonly usage?: string | readonly string[];
  readonly args: Readonly<Record<string, ArgShape>>;
  readonly flags: Readonly<Record<string, FlagShape>>;
}

interface ArgShape {
  readonly name: string;
  readonly hidden?: boolean;
  readonly multiple?: boolean;
  readonly options?: readonly string[];
}

interface FlagShape {
  readonly name: string;
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly description?: string;
  readonly hidden?: boolean;
  readonly allowNo?: boolean;
  readonly multiple?: boolean;
  readonly options?: readonly string[];
  readonly helpValue?: string;
}

/** The tool's commands by id, and what its topics are about. */
export interface Grammar {
  readonly commands: Readonly<Record<string, CommandShape>>;
  readonly topics: Readonly<Record<string, {readonly description?: string}>>;
}

export interface Candidate {
  readonly word: string;
  readonly description: string;
}

/** What may stand at the cursor: words that are known here, and what only the disk knows. */
export interface Wanted {
  readonly candidates: readonly Candidate[];
  readonly values: 'none' | 'files' | 'directories' | 'sets' | 'sets and snapshots';
}

/** The command line before the cursor, once its command is known. */
interface Line {
  readonly given: ReadonlySet<string>;
  readonly positionals: number;
  /** The flag that waits for its value at the cursor. */
  readonly pending: FlagShape | undefined;
  readonly onlyPositionals: boolean;
}

const nothing: Wanted = {candidates: [], values: 'none'};

/**
 * Says what may stand in the place of the last word. Pure.
 * @param words what follows the tool's name, the word at the cursor last
 */
export function interpret(grammar: Grammar, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? '';
  const isHelp = words.length > 1 && words[0] === 'help';
  const before = words.slice(isHelp ? 1 : 0, -1);
  const path = commandPath(grammar, before);
  const rest = before.slice(path.length);
  const children = rest.length === 0 && !current.startsWith('-') ? childrenOf(grammar, path) : [];
  if (isHelp) return {candidates: children, values: 'none'};
  const command = grammar.commands[path.join(':')];
  if (!command) return rest.length === 0 ? {candidates: current.startsWith('-') ? outerFlags(path) : children, values: 'none'} : nothing;
  return children.length > 0 ? {candidates: children, values: 'none'} : atCursor(command, rest, current);
}

/** How many of the words are the command's name. */
function commandPath({commands}: Grammar, words: readonly string[]): string[] {
  const ids = Object.keys(commands);
  const path: string[] = [];
  for (const word of words) {
    const id = [...path, word].join(':');
    if (!ids.some((candidate) => candidate === id || candidate.startsWith(`${id}:`))) break;
    path.push(word);
  }
  return path;
}

function childrenOf({commands, topics}: Grammar, path: readonly string[]): Candidate[] {
  const found = new Map<string, string>();
  for (const [id, command] of Object.entries(commands)) {
    const parts = id.split(':');
    const name = parts[path.length];
    if (command.hidden || name === undefined || path.some((part, index) => parts[index] !== part)) continue;
    const isItself = parts.length === path.length + 1;
    const topic = topics[parts.slice(0, path.length + 1).join(':')]?.description;
    found.set(name, (isItself ? command.summary : (found.get(name) ?? topic)) ?? '');
  }
  return [...found].map(([word, description]) => ({word, description}));
}

function outerFlags(path: readonly string[]): Candidate[] {
  const help = {word: '--help', description: 'show help'};
  return path.length === 0 ? [help, {word: '--version', description: 'show the version'}] : [help];
}

function atCursor(command: CommandShape, before: readonly string[], current: string): Wanted {
  const line = readLine(command, before);
  if (line.pending) return valuesOfFlag(line.pending);
  if (!line.onlyPositionals && current.startsWith('-')) {
    const [, name] = /^--([^=]+)=/.exec(current) ?? [];
    if (name === undefined) return {candidates: flagsLeft(command, line), values: 'none'};
    const flag = command.flags[name];
    return flag?.type === 'option' ? valuesOfFlag(flag) : nothing;
  }
  const args = Object.values(command.args).filter((arg) => !arg.hidden);
  const last = args.at(-1);
  const arg = args[line.positionals] ?? (command.strict === false || last?.multiple ? last : undefined);
  if (arg) return valuesOfArg(command, arg);
  // Nothing but flags is left: an empty word then stands for any of them.
  return line.onlyPositionals || current !== '' ? nothing : {candidates: flagsLeft(command, line), values: 'none'};
}

function readLine({flags}: CommandShape, words: readonly string[]): Line {
  const given = new Set<string>();
  let positionals = 0;
  let pending: FlagShape | undefined;
  let onlyPositionals = false;
  for (const word of words) {
    if (pending) pending = undefined;
    else if (onlyPositionals || !/^-./.test(word)) positionals += 1;
    else if (word === '--') onlyPositionals = true;
    else {
      const [name = '', value] = word.replace(/^--?(no-)?/, '').split('=', 2);
      const flag = flags[name] ?? flags[word.replace(/^--/, '')] ?? Object.values(flags).find(({char}) => char === name);
      if (!flag) continue;
      given.add(flag.name);
      if (flag.type === 'option' && value === undefined) pending = flag;
    }
  }
  return {given, positionals, pending, onlyPositionals};
}

function flagsLeft({flags}: CommandShape, {given}: Line): Candidate[] {
  const left = Object.values(flags).filter((flag) => !flag.hidden && (flag.multiple || !given.has(flag.name)));
  const words = left.flatMap(({name, description = '', allowNo}) => [{word: `--${name}`, description}, ...(allowNo ? [{word: `--no-${name}`, description}] : [])]);
  return [...words, ...outerFlags(['command'])];
}

function valuesOfFlag({options, helpValue}: FlagShape): Wanted {
  if (options) return listed(options);
  if (helpValue === 'FILE') return {candidates: [], values: 'files'};
  if (helpValue === 'DIR') return {candidates: [], values: 'directories'};
  // Of further databases only the repository knows.
  if (helpValue === 'SOURCE') return listed(['db', 'uploads']);
  return helpValue === 'SET' ? {candidates: [], values: 'sets'} : nothing;
}

/** Arguments have no word for their kind but their names. */
function valuesOfArg({usage = ''}: CommandShape, {name, options}: ArgShape): Wanted {
  if (options) return listed(options);
  if (/^files?$/.test(name)) return {candidates: [], values: 'files'};
  if (name === 'repository') return {candidates: [], values: 'directories'};
  if (name !== 'set') return nothing;
  return {candidates: [], values: String(usage).includes('SNAPSHOT') ? 'sets and snapshots' : 'sets'};
}

function listed(options: readonly string[]): Wanted {
  return {candidates: options.map((word) => ({word, description: ''})), values: 'none'};
}
