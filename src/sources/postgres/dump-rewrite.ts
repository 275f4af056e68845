import {TimetilesError} from '../../shared/errors.ts';
import {DumpLexer, type LexerSink, type Unit} from './import/lexer.ts';
import {bringChecksBack, lendSearchPath, refreshIfPossible, setChecksAside, silenceEventTriggers, takeSearchPathBack, tellProblems} from './patient-sql.ts';
import {literal} from './sql.ts';

/** So much of a unit is looked at; what has to be changed is far shorter. */
const headLength = 65_536;
/** What may call functions that were made before it. */
const callsFunctions = /^(?:CREATE\s+(?!(?:OR\s+REPLACE\s+)?(?:VIEW|RULE|TRIGGER))|ALTER\s+(?:TABLE|DOMAIN)\b|COPY\b|INSERT\b|REFRESH\b)/i;
const insertWords = Buffer.from('INSERT INTO ');

/** What of a dump has to be another than pg_dump wrote it, for the server that it goes to. */
export interface DumpRewrite {
  /** The tablespaces of the server; a table of another one goes to the default. */
  readonly tablespaces: ReadonlySet<string>;
  /**
   * The second try: with this search path in the place of the empty one, with the checks that call functions aside until
   * all rows are there, and with materialised views left empty that cannot be filled. psql then prints what went wrong.
   */
  readonly patience?: {readonly searchPath: string} | undefined;
}

export interface DumpRewriter {
  /** Takes the next piece. @returns what of it, and of what was held back, is to be loaded */
  push(chunk: Buffer): Buffer[];
  /** To be called when all of the dump has been read well. */
  end(): Buffer[];
}

/** Rewrites a plain dump piece by piece. It is split as psql does, so that no text in a string or in data is taken for a statement. */
export function createDumpRewriter({tablespaces, patience}: DumpRewrite): DumpRewriter {
  let passed: Buffer[] = [];
  let held: Buffer[] = [];
  let heldLength = 0;
  let isDecided = false;
  let hasStandardStrings = true;
  let areChecksAside = false;
  let hasNewFunctions = false;
  let hasEventTriggers = false;

  const areRowsPlain = () => !patience || (areChecksAside && !hasNewFunctions);
  const say = (text: string): void => void passed.push(Buffer.from(text));
  const decideStatement = (text: string, original: readonly Buffer[]): void => {
    if (/^SET\s+standard_conforming_strings\b/i.test(text)) hasStandardStrings = !/\boff\b/i.test(text);
    const tablespace = /^SET\s+default_tablespace\s*=\s*(.*?)\s*;$/is.exec(text)?.[1];
    if (tablespace !== undefined && !tablespaces.has(plainName(tablespace))) return say(`SET default_tablespace = '';`);
    if (patience) {
      if (/^SELECT\s+pg_catalog\.set_config\('search_path',\s*'',\s*false\);$/i.test(text)) return say(`SELECT pg_catalog.set_config('search_path', ${literal(patience.searchPath)}, false);`);
      if (/^CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\b/i.test(text)) hasNewFunctions = true;
      else if (hasNewFunctions && callsFunctions.test(text)) {
        say(lendSearchPath);
        hasNewFunctions = false;
      }
      if (!areChecksAside && /^(COPY|INSERT)\b/i.test(text)) {
        say(setChecksAside);
        areChecksAside = true;
      }
      if (!hasEventTriggers && /^CREATE\s+EVENT\s+TRIGGER\b/i.test(text)) {
        say(silenceEventTriggers);
        hasEventTriggers = true;
      }
      const view = /^REFRESH\s+MATERIALIZED\s+VIEW\s+(.*?)\s*;$/is.exec(text)?.[1];
      if (view !== undefined) return say(refreshIfPossible(view));
    }
    passed.push(...original);
  };
  const decide = (unit: Unit): void => {
    const text = Buffer.concat(held).toString('utf8').trimEnd();
    if (unit === 'statement') decideStatement(text, held);
    // An older psql of the same version does not know these two, and what they forbid is refused here.
    else if (unit === 'command' && !/^\\(un)?restrict\s/.test(text)) throw strangeCommand(text.split(/\s/)[0] ?? '');
    else if (unit !== 'command') passed.push(...held);
    held = [];
    heldLength = 0;
    isDecided = true;
  };
  const sink: LexerSink = {
    hasStandardStrings: () => hasStandardStrings,
    strayCommand() {
      throw strangeCommand('in the middle of a statement');
    },
    part(unit, bytes, ended) {
      if (unit === 'space' || unit === 'data') {
        passed.push(bytes);
        return false;
      }
      let hasData = false;
      // A dump may have millions of them, and nothing in them needs to be changed.
      if (!isDecided && held.length === 0 && areRowsPlain() && bytes.length > insertWords.length && bytes.subarray(0, insertWords.length).equals(insertWords)) isDecided = true;
      if (isDecided) passed.push(bytes);
      else {
        held.push(bytes);
        heldLength += bytes.length;
        if (ended) hasData = unit === 'statement' && /^copy\s.*\sfrom\s+stdin\b/is.test(Buffer.concat(held).toString('latin1'));
        if (ended || heldLength > headLength) decide(unit);
      }
      if (ended) isDecided = false;
      return hasData;
    },
  };
  const lexer = new DumpLexer(sink);
  const take = (): Buffer[] => {
    const taken = passed;
    passed = [];
    return taken;
  };
  return {
    push(chunk) {
      lexer.push(chunk);
      // What is held back must not be overwritten when the reader uses its memory again.
      held = held.map((part) => Buffer.from(part));
      return take();
    },
    end() {
      lexer.end();
      passed.push(...held);
      if (patience) {
        if (areChecksAside) say(bringChecksBack);
        say(takeSearchPathBack);
        say(tellProblems);
      }
      return take();
    },
  };
}

/** As in `SET default_tablespace = …`: a name, quoted or not, or a string. */
function plainName(word: string): string {
  if (word === "''") return '';
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.replace(/^'(.*)'$/s, '$1').toLowerCase();
}

function strangeCommand(what: string): TimetilesError {
  return new TimetilesError('restore', `the dump has a command of psql (${what}), which a dump of pg_dump never has`, 'The live database was not touched. See where the set comes from, and choose another one: timetiles backup list');
}
