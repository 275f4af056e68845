import {parse} from 'dotenv';

export interface ParsedFile {
  readonly values: Readonly<Record<string, string>>;
  /** The line, counted from 1, on which each key is last assigned. */
  readonly lines: Readonly<Record<string, number>>;
  readonly problems: readonly {readonly line: number; readonly message: string}[];
}

const assignment = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(.*)$/;

/**
 * Parses the text of a `KEY="value"` file with dotenv and adds what dotenv does not tell: line numbers, lines that
 * are no assignment, and quotes that never close (dotenv would silently drop or keep those).
 */
export function parseConfigText(text: string): ParsedFile {
  const values = parse(text);
  const lines: Record<string, number> = {};
  const problems: {line: number; message: string}[] = [];
  const rows = text.replace(/\r\n?/g, '\n').split('\n');
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] ?? '';
    const line = index + 1;
    if (/^\s*(#|$)/.test(row)) continue;
    const match = assignment.exec(row);
    if (!match) {
      problems.push({line, message: `is no assignment: write KEY="value", or # before a comment`});
      continue;
    }
    const [, key = '', value = ''] = match;
    lines[key] = line;
    const quote = /^["'`]/.exec(value)?.[0];
    if (quote === undefined || closes(value.slice(1), quote)) continue;
    const end = rows.findIndex((later, position) => position > index && closes(later, quote));
    if (end === -1) problems.push({line, message: `${key} opens a ${quote} that is never closed`});
    else index = end;
  }
  return {values, lines, problems};
}

/** Whether a quote closes on this line; a backslash hides a quote from dotenv. */
function closes(rest: string, quote: string): boolean {
  return new RegExp(`(?<!\\\\)${quote}`).test(rest);
}
