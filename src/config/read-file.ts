import {readFileSync, statSync, type Stats} from 'node:fs';
import {systemCode, TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {unknownKeyProblem, type FileOwner} from './check-keys.ts';
import {knownKeys, resticVariables, secretKeys} from './keys.ts';
import {parseConfigText, type ParsedFile, type ParseProblem} from './parse.ts';

export interface ConfigFile extends ParsedFile {
  readonly path: string;
  readonly mode: number;
}

/** Configuration is text of a few kilobytes; anything larger is the wrong file. */
const maximumBytes = 1_048_576;

/**
 * Reads and checks one configuration file.
 * @returns undefined when the file does not exist
 * @throws TimetilesError `configuration` that names file, line, key and remedy
 */
export function readConfigFile(path: string, owner: FileOwner): ConfigFile | undefined {
  let stats: Stats;
  let bytes: Buffer;
  try {
    stats = statSync(path);
    if (!stats.isFile()) throw problem(`${path} is not a file`, 'Name a file of KEY="value" lines.');
    if (stats.size > maximumBytes) throw problem(`${path} is larger than a configuration can be`, 'Name a file of KEY="value" lines.');
    bytes = readFileSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EACCES' || code === 'EPERM') {
      throw problem(`${path} cannot be read (${code})`, 'Run the command as the owner of the file, usually root: sudo timetiles …', error);
    }
    throw error;
  }
  const text = decode(path, bytes);
  if (text.trim() === '') throw problem(`${path} is empty`, 'Restore its content, or delete the file if it is not needed.');

  const parsed = parseConfigText(text);
  const bad = parsed.problems.find((candidate) => owner === 'tool' || concernsUs(text, candidate));
  if (bad) throw problem(`${path} line ${bad.line}: ${bad.message}`, `Correct line ${bad.line} of ${path}.`);
  for (const [key, line] of Object.entries(parsed.lines)) {
    const wrong = unknownKeyProblem(key, owner);
    if (wrong !== undefined) throw problem(`${path} line ${line}: ${wrong}`, `Correct line ${line} of ${path}.`);
  }
  checkMode(path, stats.mode, parsed);
  return {...parsed, path, mode: stats.mode & 0o7777};
}

function decode(path: string, bytes: Buffer): string {
  try {
    const text = new TextDecoder('utf-8', {fatal: true}).decode(bytes);
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

function checkMode(path: string, mode: number, parsed: ParsedFile): void {
  const remedy = `chmod 600 ${shellWord(path)}`;
  if ((mode & 0o002) !== 0) throw problem(`${path} can be changed by every user of this host`, remedy);
  const secret = secretKeys.find((key) => (parsed.values[key] ?? '') !== '');
  if (secret !== undefined && (mode & 0o004) !== 0) {
    throw problem(`${path} line ${parsed.lines[secret]} holds ${secret} and can be read by every user of this host`, remedy);
  }
}

function problem(message: string, next: string, cause?: unknown): TimetilesError {
  return new TimetilesError('configuration', message, next, {cause});
}
