import {readFileSync, statSync, type Stats} from 'node:fs';
import {meansDenied, meansMissing, systemCode, TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {unknownKeyProblem} from './check-keys.ts';
import {knownKeys, resticVariables, secretNames} from './keys.ts';
import {parseConfigText, type FileOwner, type ParsedFile, type ParseProblem} from './parse.ts';

export interface ConfigFile extends ParsedFile {
  readonly path: string;
  readonly mode: number;
}

/** Something wrong in a file that could be read, with its remedy. */
export interface FileProblem {
  readonly line?: number;
  readonly key?: string;
  /** What is wrong, without the place. */
  readonly message: string;
  readonly next: string;
}

/** Configuration is text of a few kilobytes; anything larger is the wrong file. */
const maximumBytes = 1_048_576;

/**
 * Reads and checks one configuration file.
 * @returns undefined when the file does not exist
 * @throws TimetilesError `configuration` that names file, line, key and remedy
 */
export function readConfigFile(path: string, owner: FileOwner): ConfigFile | undefined {
  const inspected = inspectConfigFile(path, owner);
  const [first] = inspected?.problems ?? [];
  if (first) throw problem(`${path}${first.line === undefined ? '' : ` line ${first.line}:`} ${first.message}`, first.next);
  return inspected?.file;
}

/**
 * Reads one configuration file and collects everything that is wrong in it, but for its values.
 * @returns undefined when the file does not exist
 * @throws TimetilesError `configuration` when it cannot be read at all
 */
export function inspectConfigFile(path: string, owner: FileOwner): {file: ConfigFile; problems: FileProblem[]} | undefined {
  const read = readText(path, owner);
  if (read === undefined) return undefined;
  const {text, mode} = read;
  const parsed = parseConfigText(text, owner);
  const correct = (line: number) => `Correct line ${line} of ${path}.`;
  const malformed = parsed.problems.filter((candidate) => owner === 'tool' || concernsUs(text, candidate));
  // A key that is assigned twice counts where it is assigned last.
  const lines = new Map(parsed.assignments.map(({key, line}) => [key, line]));
  const unknown = [...lines].flatMap(([key, line]) => {
    const message = unknownKeyProblem(key, owner);
    return message === undefined ? [] : [{line, key, message}];
  });
  const garbled = parsed.assignments.flatMap((assignment) => {
    const {key, line} = assignment;
    return knownKeys.has(key) && 'text' in assignment && assignment.text.includes('\uFFFD') ? [{line, key, message: `${key} is not text in UTF-8`}] : [];
  });
  const problems = [...malformed, ...unknown, ...garbled].map((found) => ({...found, next: correct(found.line)}));
  return {file: {...parsed, path, mode}, problems: [...problems, ...modeProblems(path, mode, parsed)]};
}

function readText(path: string, owner: FileOwner): {text: string; mode: number} | undefined {
  let stats: Stats;
  let bytes: Buffer;
  try {
    stats = statSync(path);
    if (!stats.isFile()) throw problem(`${path} is not a file`, 'Name a file of KEY="value" lines.');
    if (stats.size > maximumBytes) throw problem(`${path} is larger than a configuration can be`, 'Name a file of KEY="value" lines.');
    bytes = readFileSync(path);
  } catch (error) {
    if (meansMissing(error)) return undefined;
    if (meansDenied(error)) {
      throw problem(`${path} cannot be read (${systemCode(error)})`, 'Run the command as the owner of the file, usually root: sudo timetiles …', error);
    }
    throw error;
  }
  const text = decode(path, bytes, owner);
  if (text.trim() === '' && owner === 'tool') throw problem(`${path} is empty`, 'Restore its content, or delete the file if it is not needed.');
  return {text, mode: stats.mode & 0o7777};
}

/** In the app's file a comment may be in whatever encoding; a value of ours with such a character cannot be meant. */
function decode(path: string, bytes: Buffer, owner: FileOwner): string {
  try {
    const text = new TextDecoder('utf-8', {fatal: owner === 'tool'}).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below, together with the NUL byte.
  }
  throw problem(`${path} is not a text file`, 'Name a file of KEY="value" lines in UTF-8.');
}

/** In the app's file, odd lines are the app's affair unless they assign one of our keys or look as if they should. */
function concernsUs(text: string, {line, key}: ParseProblem): boolean {
  if (key !== undefined) return knownKeys.has(key) || resticVariables.has(key);
  const row = text.split(/\r\n?|\n/)[line - 1] ?? '';
  return /^\s*(export\s+)?(RESTIC|BACKUP|AWS|RESTORE|OFFSITE|ALERT|HEARTBEAT|EMAIL|DB|POSTGRES|UPLOADS?)_/.test(row);
}

function modeProblems(path: string, mode: number, parsed: ParsedFile): FileProblem[] {
  const next = `chmod 600 ${shellWord(path)}`;
  if ((mode & 0o002) !== 0) return [{message: 'can be changed by every user of this host', next}];
  const secret = parsed.assignments.find((assignment) => secretNames.has(assignment.key) && 'text' in assignment && assignment.text !== '');
  if (secret === undefined || (mode & 0o004) === 0) return [];
  const {key, line} = secret;
  return [{line, key, message: `${key} is secret, and the file can be read by every user of this host`, next}];
}

function problem(message: string, next: string, cause?: unknown): TimetilesError {
  return new TimetilesError('configuration', message, next, {cause});
}
