import {parse} from 'dotenv';

export interface ParseProblem {
  readonly line: number;
  /** The key that is assigned there; undefined where nothing is. */
  readonly key?: string;
  readonly message: string;
}

export interface ParsedFile {
  readonly values: Readonly<Record<string, string>>;
  /** The line, counted from 1, on which each key is last assigned. */
  readonly lines: Readonly<Record<string, number>>;
  readonly problems: readonly ParseProblem[];
}

/** What a line that assigns something begins with; the rest of it is the value. */
const beginning = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(=|:[ \t])[ \t]*/;
/** No value of several lines is longer; the search for its end has to end itself. */
const maximumRows = 200;

/**
 * Parses the text of a `KEY="value"` file with dotenv and adds what dotenv does not tell: line numbers, lines that
 * are no assignment, and values that it would silently cut or keep with their quotes.
 */
export function parseConfigText(content: string): ParsedFile {
  const rows = content.replace(/\r\n?/g, '\n').split('\n');
  const lines: Record<string, number> = {};
  const problems: ParseProblem[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] ?? '';
    const line = index + 1;
    if (/^\s*(#|$)/.test(row)) continue;
    const [whole, key, separator] = beginning.exec(row) ?? [];
    if (whole === undefined || key === undefined) {
      problems.push({line, message: 'not an assignment; write KEY="value", or # before a comment'});
      continue;
    }
    lines[key] = line;
    const height = heightOfValue(rows, index, row.slice(whole.length));
    index += Math.max(height, 1) - 1;
    const message = separator === '=' ? problemOf(row.slice(whole.length), height) : `is followed by a colon; write ${key}="value"`;
    if (message !== undefined) problems.push({line, key, message: `${key} ${message}`});
  }
  return {values: parse(content), lines, problems};
}

/**
 * How many rows a value takes, by asking dotenv: where it sees quotes close, it takes them away.
 * @returns 0 when they never close
 */
function heightOfValue(rows: readonly string[], index: number, text: string): number {
  const quote = quoteOf(text);
  if (quote === undefined) return 1;
  for (let height = 1; height <= maximumRows && index + height <= rows.length; height += 1) {
    // Under a name of its own: the key may be assigned again on the very rows that are tried.
    const {__value__: value} = parse([`__value__=${text}`, ...rows.slice(index + 1, index + height)].join('\n'));
    if (value !== undefined && !value.startsWith(quote)) return height;
  }
  return 0;
}

function problemOf(text: string, height: number): string | undefined {
  const quote = quoteOf(text);
  if (quote === undefined) {
    const hash = text.indexOf('#');
    return hash > 0 && !/\s/.test(text[hash - 1] ?? '') ? 'has an unquoted #, which would begin a comment; quote the value' : undefined;
  }
  if (height > 0) return undefined;
  return text.includes(quote, 1) ? `goes on after its closing ${quote}` : `opens a ${quote} that is never closed`;
}

function quoteOf(text: string): string | undefined {
  return /^["'`]/.exec(text)?.[0];
}
