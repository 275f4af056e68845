import {unescapeDoubleQuoted} from './escapes.ts';

/** `app`: the app's own environment file, which compose reads as well. */
export type FileOwner = 'tool' | 'app';

export interface ParseProblem {
  readonly line: number;
  /** The key that is assigned there; undefined where nothing is. */
  readonly key?: string;
  readonly message: string;
}

/** One value as it is written, before references to variables are expanded. */
export interface Assignment {
  readonly key: string;
  /** Counted from 1. */
  readonly line: number;
  /** The value without its quotes, with every $ as it stands. */
  readonly text: string;
  /** The same with references to expand; undefined within single quotes and backticks, where a $ is a $. */
  readonly template?: string;
  /** What stands between the quotes, escapes and all. */
  readonly raw: string;
}

export interface ParsedFile {
  readonly assignments: readonly (Assignment | {readonly key: string; readonly line: number; readonly inherited: true})[];
  readonly problems: readonly ParseProblem[];
}

interface Value extends Omit<Assignment, 'key' | 'line'> {
  /** How many lines it takes. */
  readonly height: number;
  readonly problem?: string;
}

const keyPattern = String.raw`^\s*(?:export\s+)?([\p{L}\p{N}_.[\]-]+)[ \t]*`;
/** What a line that assigns something begins with; the rest of it is the value. */
const beginning = new RegExp(String.raw`${keyPattern}([=:])[ \t]*`, 'u');
/** A key alone: compose takes its value from the environment. */
const alone = new RegExp(`${keyPattern}$`, 'u');

/**
 * Parses the text of a `KEY="value"` file as compose does, so that both mean the same by it. Where compose would stop at a line,
 * the line is a problem and the rest is read all the same. Pure.
 * @param owner in the tool's own file backticks are quotes too; a key alone, a colon and a # within an unquoted value are mistakes
 */
export function parseConfigText(content: string, owner: FileOwner): ParsedFile {
  const rows = content.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n').split('\n');
  const assignments: ParsedFile['assignments'][number][] = [];
  const problems: ParseProblem[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] ?? '';
    const line = index + 1;
    if (/^\s*(#|$)/.test(row)) continue;
    const [whole, key, separator] = beginning.exec(row) ?? [];
    const inherited = owner === 'app' ? alone.exec(row)?.[1] : undefined;
    if (inherited !== undefined) {
      assignments.push({key: inherited, line, inherited: true});
    } else if (whole === undefined || key === undefined) {
      problems.push({line, message: 'not an assignment; write KEY="value", or # before a comment'});
    } else {
      const {height, problem, ...value} = readValue(rows, index, whole, owner);
      assignments.push({key, line, ...value});
      index += height - 1;
      const message = separator === ':' && owner === 'tool' ? `is followed by a colon; write ${key}="value"` : problem;
      if (message !== undefined) problems.push({line, key, message: `${key} ${message}`});
    }
  }
  return {assignments, problems};
}

function readValue(rows: readonly string[], index: number, whole: string, owner: FileOwner): Value {
  const rest = (rows[index] ?? '').slice(whole.length);
  const quote = rest[0];
  if (quote === '"' || quote === "'" || (quote === '`' && owner === 'tool')) return readQuoted([rest, ...rows.slice(index + 1)].join('\n'), quote);
  if (rest.startsWith('#')) {
    // Compose takes a comment right after the blank for the value; who writes that means no value.
    const isComment = /\s$/.test(whole);
    const problem = 'begins with an unquoted #; quote the value, or leave it empty';
    return isComment ? {text: '', raw: '', height: 1} : {text: rest, raw: rest, height: 1, problem};
  }
  const [value = ''] = rest.split(' #');
  const text = value.trimEnd();
  const problem = owner === 'tool' && text.includes('#') ? 'has an unquoted #, which would begin a comment elsewhere; quote the value' : undefined;
  return {text, template: text, raw: text, height: 1, ...(problem !== undefined && {problem})};
}

/** Reads on to the closing quote, over as many lines as it takes; a quote after a backslash does not close. */
function readQuoted(text: string, quote: string): Value {
  let end = 1;
  while (end < text.length && text[end] !== quote) end += text[end] === '\\' && quote !== '`' ? 2 : 1;
  const raw = text.slice(1, end);
  const height = raw.split('\n').length;
  const after = text.slice(end + 1).split('\n')[0] ?? '';
  const isClosed = end < text.length;
  const isAlone = /^\s*(#.*)?$/.test(after);
  if (!isClosed || (!isAlone && height > 1)) {
    // Whatever closes it further down opens another value there: of this one no more than its line is lost.
    const [first = ''] = raw.split('\n');
    return {text: first, raw: first, height: 1, problem: `opens a ${quote} that is never closed`};
  }
  const value = {...withoutEscapes(raw, quote), raw, height};
  return isAlone ? value : {...value, problem: `goes on after its closing ${quote}`};
}

function withoutEscapes(raw: string, quote: string): Pick<Assignment, 'text' | 'template'> {
  if (quote === '`') return {text: raw};
  const unquoted = raw.replaceAll(`\\${quote}`, quote);
  if (quote === "'") return {text: unquoted};
  return {text: unescapeDoubleQuoted(unquoted, '$'), template: unescapeDoubleQuoted(unquoted, '$$')};
}
