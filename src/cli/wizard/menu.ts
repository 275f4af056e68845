import type {Asker, Choice} from './ask.ts';

/** A command that the menu offers. */
interface MenuEntry {
  /** The command's words and flags. */
  readonly words: readonly string[];
  readonly label: string;
  /** What is asked before it is run; the answer is its last word. */
  readonly asks?: string;
}

/** The commands of the tool in the order in which one meets them; those that ask for what they need come as they are. */
const entries: readonly MenuEntry[] = [
  {words: ['backup'], label: 'back up the database and the uploads now'},
  {words: ['backup', '--offsite'], label: 'the same, and copy to the offsite repository'},
  {words: ['backup', 'db'], label: 'back up the database alone'},
  {words: ['backup', 'uploads'], label: 'back up the uploads alone'},
  {words: ['backup', 'status'], label: 'last backups, ages, sizes, next run'},
  {words: ['backup', 'list'], label: 'the sets that there are'},
  {words: ['backup', 'find'], label: 'which sets have a file', asks: 'Which part of the name, or a glob such as *.jpg?'},
  {words: ['restore'], label: 'look, get one file, or replace the live data'},
  {words: ['restore', '--undo'], label: 'go back to the state before the last restore'},
  {words: ['dr'], label: 'recover everything on a bare machine'},
  {words: ['backup', 'verify'], label: 'check the repository'},
  {words: ['backup', 'verify', '--restore-test'], label: 'restore the newest set for a test'},
  {words: ['backup', 'prune'], label: 'remove old sets by the rules of retention'},
  {words: ['backup', 'auto'], label: 'back up every night by cron'},
  {words: ['scheduler'], label: 'run the schedule in the foreground'},
  {words: ['alert', 'test'], label: 'see whether alerts reach you'},
  {words: ['offsite', 'probe'], label: 'what the offsite credentials can do'},
  {words: ['offsite', 'policy'], label: 'the bucket policy to paste'},
  {words: ['offsite', 'copy'], label: 'copy missing sets offsite now'},
  {words: ['offsite', 'kit'], label: 'the emergency kit to print'},
  {words: ['offsite', 'new-epoch'], label: 'begin a fresh write-only copy'},
  {words: ['doctor'], label: 'check configuration and host'},
];

/** A command as oclif knows it. */
export interface KnownCommand {
  readonly id: string;
  readonly flags: Readonly<Record<string, unknown>>;
}

/** What the operator wants to run: the command's id and what follows it. */
export interface MenuChoice {
  readonly id: string;
  readonly argv: readonly string[];
}

/** The entries that this version has. Pure. */
export function menuChoices(known: readonly KnownCommand[]): Choice[] {
  const available = entries.map((entry, index) => ({entry, index})).filter(({entry}) => isKnown(entry, known));
  const width = Math.max(...available.map(({entry}) => entry.words.join(' ').length));
  return available.map(({entry, index}) => ({value: String(index), label: `${entry.words.join(' ').padEnd(width)}  ${entry.label}`}));
}

/** Lets the operator choose a command. @throws TimetilesError `interrupted` when the operator leaves */
export async function askMenu(asker: Asker, known: readonly KnownCommand[]): Promise<MenuChoice> {
  for (;;) {
    const answer = await asker.ask({kind: 'pick', message: 'What would you like to do?', choices: menuChoices(known), canGoBack: false, canSearch: false});
    const entry = answer.kind === 'picked' ? entries[Number(answer.value)] : undefined;
    if (!entry) continue;
    const {id, argv} = split(entry);
    if (entry.asks === undefined) return {id, argv};
    const detail = await asker.ask({kind: 'type', message: entry.asks, suggestion: '', canGoBack: true});
    // What begins with a dash is no flag.
    if (detail.kind === 'typed' && detail.text !== '') return {id, argv: [...argv, '--', detail.text]};
  }
}

function isKnown(entry: MenuEntry, known: readonly KnownCommand[]): boolean {
  const {id, argv} = split(entry);
  const command = known.find((candidate) => candidate.id === id);
  return command !== undefined && argv.every((flag) => Object.hasOwn(command.flags, flag.replace(/^--/, '')));
}

function split({words}: MenuEntry): {id: string; argv: string[]} {
  return {id: words.filter((word) => !word.startsWith('-')).join(':'), argv: words.filter((word) => word.startsWith('-'))};
}
