import {plural} from '../../../shared/format.ts';
import type {TimetilesError} from '../../../shared/errors.ts';
import {refusal} from '../../foreign/file.ts';
import {createsSomething, dropsPublic, extensionIn, judgeStatement, rolesIn} from './statements.ts';
import {createUnitFilter} from './unit-filter.ts';

const header = /^--\s*PostgreSQL database dump\s*$/;
const trailer = /^--\s*PostgreSQL database dump complete\s*$/;
const clusterHeader = /^--\s*PostgreSQL database cluster dump/;
/** Backslash commands that new versions of pg_dump write at both ends. */
const harmlessCommands = /^\\(un)?restrict\s/;

/** What a dump says of itself. */
export interface DumpFacts {
  /** Such as `17.6 (Debian 17.6-1)`. */
  readonly server: string | null;
  readonly program: string | null;
  readonly roles: readonly string[];
  readonly extensions: readonly string[];
}

export interface DumpFilter {
  /** Takes the next piece. @returns what of it, and of what was held back, belongs into the snapshot */
  push(chunk: Buffer): Buffer[];
  /** @throws TimetilesError `import` when the dump is not whole */
  end(): {readonly rest: Buffer[]; readonly facts: DumpFacts; readonly notes: readonly string[]};
}

/**
 * Lets a plain dump through piece by piece, without what would leave or clear the database that it is loaded into, and
 * refuses what is no whole dump of one database.
 * @param path of the file, for messages
 */
export function createDumpFilter(path: string): DumpFilter {
  const facts = {server: null as string | null, program: null as string | null, roles: new Set<string>(), extensions: new Set<string>()};
  const progress = {hasCreated: false, hasCleared: false, droppedPublic: false};
  const leftOut = {database: 0, clearing: 0, connect: 0};
  let hasHeader = false;
  let hasTrailer = false;
  let hasTables = false;
  let hasRows = false;

  const refuse = (reason: string, next: string): TimetilesError => refusal(path, reason, next);
  const strange = (what: string) => refuse(`has ${what}, which a dump of pg_dump never has`, 'See where it comes from. Load it by hand if you trust it, and back that up.');

  const judgeComment = (text: string): 'pass' => {
    if (clusterHeader.test(text)) throw refuse(clusterDump.reason, clusterDump.next);
    if (header.test(text)) {
      if (hasHeader) throw refuse('holds more than one dump', 'Split it, one file for each database, and import those of this stack.');
      hasHeader = true;
    }
    if (trailer.test(text)) hasTrailer = true;
    facts.server ??= /^-- Dumped from database version (\S.*)$/.exec(text)?.[1] ?? null;
    facts.program ??= /^-- Dumped by pg_dump version (\S.*)$/.exec(text)?.[1] ?? null;
    return 'pass';
  };
  const judgeCommand = (text: string): 'pass' | 'drop' => {
    if (harmlessCommands.test(text)) return 'pass';
    const [word = ''] = text.split(/\s/);
    if (!/^\\c(onnect)?$/.test(word)) throw strange(`the command ${word} of psql`);
    if (leftOut.connect > 0 || progress.hasCreated) throw refuse('connects to several databases', 'Dump the one database of the stack with pg_dump, and import that.');
    leftOut.connect += 1;
    return 'drop';
  };
  const judge = (text: string): 'pass' | 'drop' => {
    const verdict = judgeStatement(text, progress);
    if (verdict.state === 'refuse') throw refuse(verdict.reason, verdict.next);
    if (verdict.state === 'leave-out') {
      leftOut[verdict.why] += 1;
      if (verdict.why === 'clearing') progress.hasCleared = true;
      if (dropsPublic(text)) progress.droppedPublic = true;
      return 'drop';
    }
    if (hasTrailer) throw refuse('goes on after its end', 'Split it, one file for each dump, and import those of this stack.');
    if (createsSomething(text)) progress.hasCreated = true;
    hasTables ||= /^create\s+(unlogged\s+)?table\b/i.test(text);
    hasRows ||= /^(copy|insert)\b/i.test(text);
    for (const role of rolesIn(text)) facts.roles.add(role);
    const extension = extensionIn(text);
    if (extension !== undefined) facts.extensions.add(extension);
    return 'pass';
  };
  const units = createUnitFilter({
    judge(unit, text, held) {
      const fate = unit === 'comment' ? judgeComment(text) : unit === 'command' ? judgeCommand(text) : judge(text);
      return {passed: fate === 'pass' ? held : [], passesRest: fate === 'pass'};
    },
    passesInsert() {
      if (hasTrailer) return false;
      hasRows = true;
      return true;
    },
    strayCommand() {
      throw strange('a command of psql (\\) in the middle of a statement');
    },
  });
  return {
    push: (chunk) => units.push(chunk),
    end() {
      const {isWhole, rest} = units.end();
      if (!hasHeader) throw refuse('is no dump of pg_dump: its header is missing', 'Give the files that pg_dump wrote.');
      if (!isWhole || !hasTrailer) throw refuse('is not whole: the line "PostgreSQL database dump complete" is missing at its end', 'Look for another copy of it; nothing of it was stored.');
      if (hasRows && !progress.hasCreated) throw refuse('holds rows without their tables (pg_dump --data-only)', 'Load it into a database that has the tables, and back that up.');
      const notes = [...notesOn(leftOut), ...(hasTables && !hasRows ? ['it holds tables without their rows (pg_dump --schema-only)'] : [])];
      return {rest, facts: {...facts, roles: [...facts.roles], extensions: [...facts.extensions]}, notes};
    },
  };
}

/** Why the work of pg_dumpall cannot be taken. */
export const clusterDump = {
  reason: 'is a dump of a whole server (pg_dumpall): loading it would change roles and all databases',
  next: 'Load it into an empty server, then dump the one database with pg_dump and import that.',
};

function notesOn({database, clearing, connect}: {database: number; clearing: number; connect: number}): string[] {
  return [
    ...(database + connect > 0 ? [`left out: ${plural(database + connect, 'statement')} about the database as a whole (CREATE DATABASE, \\connect and the like), since a restore makes the database itself`] : []),
    ...(clearing > 0 ? [`left out: ${plural(clearing, 'statement')} that would first drop what is there (pg_dump --clean), since a restore loads into an empty database`] : []),
  ];
}
