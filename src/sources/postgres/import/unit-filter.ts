import {DumpLexer, type LexerSink, type Unit} from './lexer.ts';

/** So much of a unit is looked at; what pg_dump writes of all that has to be known or changed is far shorter. */
const headLength = 65_536;
const insertWords = Buffer.from('INSERT INTO ');

/** What becomes of a unit. */
interface Verdict {
  /** What stands in the place of what was held back. */
  readonly passed: readonly Buffer[];
  /** Whether what is still to come of it passes. */
  readonly passesRest: boolean;
}

/** Decides on the units of a plain dump, one after the other. White space and the lines of COPY pass by themselves. */
export interface UnitJudge {
  /**
   * @param text all of the unit, or its beginning where it is very long; without white space at its end
   * @param held the same as it was read
   */
  judge(unit: Unit, text: string, held: readonly Buffer[]): Verdict;
  /** Whether the statement, an INSERT, passes without a look: a dump may have millions of them. */
  passesInsert(): boolean;
  /** There is a backslash in the middle of a statement, where psql would take a command. */
  strayCommand(): never;
}

export interface UnitFilter {
  /** Takes the next piece. @returns what of it, and of what was held back, has passed */
  push(chunk: Buffer): Buffer[];
  /** @returns what was still held back, and whether the dump ended at the end of a unit */
  end(): {readonly isWhole: boolean; readonly rest: Buffer[]};
}

/** Leads a plain dump piece by piece past a judge, holding each unit back until enough of it is known. It is split as psql does, so that no text in a string or in data is taken for a statement. */
export function createUnitFilter(judge: UnitJudge): UnitFilter {
  let passed: Buffer[] = [];
  /** The parts of the present unit, up to what is needed for a verdict. */
  let held: Buffer[] = [];
  let heldLength = 0;
  let fate: 'undecided' | 'pass' | 'drop' = 'undecided';
  let hasStandardStrings = true;

  const decide = (unit: Unit): void => {
    const text = Buffer.concat(held).toString('utf8').trimEnd();
    const verdict = judge.judge(unit, text, held);
    if (unit === 'statement' && /^SET\s+standard_conforming_strings\b/i.test(text)) hasStandardStrings = !/\boff\b/i.test(text);
    passed.push(...verdict.passed);
    fate = verdict.passesRest ? 'pass' : 'drop';
    held = [];
    heldLength = 0;
  };
  const sink: LexerSink = {
    hasStandardStrings: () => hasStandardStrings,
    strayCommand: () => judge.strayCommand(),
    part(unit, bytes, ended) {
      if (unit === 'space' || unit === 'data') {
        passed.push(bytes);
        return false;
      }
      let hasData = false;
      if (fate === 'undecided' && held.length === 0 && unit === 'statement' && isInsert(bytes) && judge.passesInsert()) fate = 'pass';
      if (fate === 'undecided') {
        held.push(bytes);
        heldLength += bytes.length;
        // COPY is short: what is longer has no data behind it.
        if (ended) hasData = unit === 'statement' && /^copy\s.*\sfrom\s+stdin\b/is.test(Buffer.concat(held).toString('latin1'));
        if (ended || heldLength > headLength) decide(unit);
      } else if (fate === 'pass') passed.push(bytes);
      if (ended) fate = 'undecided';
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
      const isWhole = lexer.end();
      if (held.length > 0) decide('comment');
      return {isWhole, rest: take()};
    },
  };
}

function isInsert(bytes: Buffer): boolean {
  return bytes.length > insertWords.length && bytes.compare(insertWords, 0, insertWords.length, 0, insertWords.length) === 0;
}
