import {streamDump} from '../../restic/dump.ts';
import {resticError} from '../../restic/errors.ts';
import type {ResticHandle} from '../../restic/handle.ts';
import {DumpLexer, type LexerSink} from './import/lexer.ts';

/** COPY of a dump is one line, with the names of all columns. */
const longestCopy = 1_048_576;
const copyStatement = /^COPY ("(?:[^"]|"")+"|[^\s".]+)\.("(?:[^"]|"")+"|[^\s".]+) .*FROM stdin;$/s;
const newline = 0x0a;

/** Counts the rows of each table in a plain dump that comes in pieces. */
export interface RowCounter {
  push(chunk: Buffer): void;
  /**
   * @param name `"schema"."table"`, both quoted, in the encoding of the dump
   * @returns the rows of that table, 0 where the dump has none
   */
  end(): (name: Buffer) => number;
}

/** Makes a counter of rows; it splits the dump as psql does, so that text in functions is not taken for rows. */
export function createRowCounter(): RowCounter {
  const rows = new Map<string, number>();
  let head: Buffer[] = [];
  let length = 0;
  let table: string | undefined;
  let lines = 0;
  const sink: LexerSink = {
    hasStandardStrings: () => true,
    strayCommand() {
      throw new Error('the stored dump has a backslash in the middle of a statement');
    },
    part(unit, bytes, ended) {
      if (unit === 'data') {
        lines += countNewlines(bytes);
        // The first one ends the statement, the last one is that of the mark at the end.
        if (ended && table !== undefined) rows.set(table, lines - 2);
        return false;
      }
      if (unit !== 'statement') return false;
      length += bytes.length;
      if (length <= longestCopy) head.push(Buffer.from(bytes));
      if (!ended) return false;
      // Byte by byte: the dump has the encoding of its database.
      const names = length <= longestCopy ? copyStatement.exec(Buffer.concat(head).toString('latin1')) : undefined;
      table = names ? `${quoted(names[1])}.${quoted(names[2])}` : undefined;
      head = [];
      length = 0;
      lines = 0;
      return table !== undefined;
    },
  };
  const lexer = new DumpLexer(sink);
  return {
    push: (chunk) => lexer.push(chunk),
    end() {
      if (!lexer.end()) throw new Error('the stored dump ends in the middle of a statement');
      return (name) => rows.get(name.toString('latin1')) ?? 0;
    },
  };
}

function quoted(name = ''): string {
  return name.startsWith('"') ? name : `"${name}"`;
}

function countNewlines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}

/** Counts the rows of a dump that is stored already. */
export async function countStoredRows(restic: ResticHandle, snapshot: string, path: string): Promise<(name: Buffer) => number> {
  const reading = streamDump(restic, snapshot, path);
  const counter = createRowCounter();
  for await (const chunk of reading.output ?? []) counter.push(chunk);
  const result = await reading.result;
  if (result.exitCode !== 0) throw resticError(restic, 'counting the rows of the dump', result);
  return counter.end();
}
