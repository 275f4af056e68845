import {TimetilesError} from '../../shared/errors.ts';
import {createUnitFilter} from './import/unit-filter.ts';
import {bringChecksBack, lendSearchPath, refreshIfPossible, setChecksAside, silenceEventTriggers, takeSearchPathBack, tellProblems} from './patient-sql.ts';
import {literal} from './sql.ts';

/** What may call functions that were made before it. */
const callsFunctions = /^(?:CREATE\s+(?!(?:OR\s+REPLACE\s+)?(?:VIEW|RULE|TRIGGER))|ALTER\s+(?:TABLE|DOMAIN)\b|COPY\b|INSERT\b|REFRESH\b)/i;

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

/** Rewrites a plain dump piece by piece. */
export function createDumpRewriter({tablespaces, patience}: DumpRewrite): DumpRewriter {
  let areChecksAside = false;
  let hasNewFunctions = false;
  let hasEventTriggers = false;

  const say = (text: string): Buffer => Buffer.from(text);
  const rewriteStatement = (text: string, original: readonly Buffer[]): readonly Buffer[] => {
    const tablespace = /^SET\s+default_tablespace\s*=\s*(.*?)\s*;$/is.exec(text)?.[1];
    if (tablespace !== undefined && !tablespaces.has(plainName(tablespace))) return [say(`SET default_tablespace = '';`)];
    if (!patience) return original;
    if (/^SELECT\s+pg_catalog\.set_config\('search_path',\s*'',\s*false\);$/i.test(text)) return [say(`SELECT pg_catalog.set_config('search_path', ${literal(patience.searchPath)}, false);`)];
    const before: Buffer[] = [];
    if (/^CREATE\s+(?:OR\s+REPLACE\s+)?(?:FUNCTION|PROCEDURE)\b/i.test(text)) hasNewFunctions = true;
    else if (hasNewFunctions && callsFunctions.test(text)) {
      before.push(say(lendSearchPath));
      hasNewFunctions = false;
    }
    if (!areChecksAside && /^(COPY|INSERT)\b/i.test(text)) {
      before.push(say(setChecksAside));
      areChecksAside = true;
    }
    if (!hasEventTriggers && /^CREATE\s+EVENT\s+TRIGGER\b/i.test(text)) {
      before.push(say(silenceEventTriggers));
      hasEventTriggers = true;
    }
    const view = /^REFRESH\s+MATERIALIZED\s+VIEW\s+(.*?)\s*;$/is.exec(text)?.[1];
    return [...before, ...(view === undefined ? original : [say(refreshIfPossible(view))])];
  };
  const units = createUnitFilter({
    judge(unit, text, held) {
      if (unit === 'statement') return {passed: rewriteStatement(text, held), passesRest: true};
      if (unit !== 'command') return {passed: held, passesRest: true};
      // An older psql of the same version does not know these two, and what they forbid is refused here.
      if (!/^\\(un)?restrict\s/.test(text)) throw strangeCommand(text.split(/\s/)[0] ?? '');
      return {passed: [], passesRest: false};
    },
    passesInsert: () => !patience || (areChecksAside && !hasNewFunctions),
    strayCommand() {
      throw strangeCommand('in the middle of a statement');
    },
  });
  return {
    push: (chunk) => units.push(chunk),
    end() {
      const {rest} = units.end();
      if (!patience) return rest;
      return [...rest, ...(areChecksAside ? [say(bringChecksBack)] : []), say(takeSearchPathBack), say(tellProblems)];
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
