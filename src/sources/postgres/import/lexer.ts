/**
 * What a script for psql consists of: white space and comments between statements, statements, psql's own commands
 * (backslash) and the lines of COPY.
 */
export type Unit = 'space' | 'comment' | 'statement' | 'command' | 'data';

export interface LexerSink {
  /**
   * Takes the next part of a unit, in the order of the script.
   * @param ended with the last part of a unit
   * @returns after a statement, whether lines of data follow
   */
  part(unit: Unit, bytes: Buffer, ended: boolean): boolean;
  /** There is a backslash in the middle of a statement, where psql would take a command. */
  strayCommand(): never;
  /** How backslashes in ordinary strings are to be taken. */
  hasStandardStrings(): boolean;
}

type Inside = 'plain' | 'string' | 'escapes' | 'name' | 'dollar' | 'line' | 'block';
type Mode = 'between' | 'line' | 'block' | 'statement' | 'copy-line' | 'data';

const newline = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x27;
const doubleQuote = 0x22;
const dollar = 0x24;
const star = 0x2a;
const dash = 0x2d;
const slash = 0x2f;
const semicolon = 0x3b;
const backslash = 0x5c;
/** Before a quote, these make backslashes in the string count. */
const escapePrefixes: ReadonlySet<number> = new Set([0x45, 0x65]);
const isSpecial = new Uint8Array(256);
for (const byte of [quote, doubleQuote, dollar, dash, slash, semicolon, backslash]) isSpecial[byte] = 1;
const isSpace = (byte: number | undefined) => byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
/** Letters, digits, underscore, dollar and whatever is not ASCII. */
const isNamePart = (byte: number) => (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte === 0x5f || byte === dollar || byte >= 0x80;
/** PostgreSQL cuts names after 63 bytes. */
const longestTag = 66;
const dollarTag = /^\$([A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*)?\$/;

/** Splits a script as psql does, in any pieces that it comes in; see "psql" and "Lexical Structure" in the PostgreSQL manual. */
export class DumpLexer {
  private rest: Buffer = Buffer.alloc(0);
  private mode: Mode = 'between';
  private lineUnit: 'comment' | 'command' = 'comment';
  private inside: Inside = 'plain';
  private tag: Buffer = Buffer.alloc(0);
  private depth = 0;
  /** The byte before the one that is looked at, and the one before that. */
  private previous = newline;
  private earlier = newline;
  /** Whether the last string that ended took escapes: an adjacent quote goes on with it. */
  private tookEscapes = false;

  private readonly sink: LexerSink;

  constructor(sink: LexerSink) {
    this.sink = sink;
  }

  push(chunk: Buffer): void {
    this.run(chunk, false);
  }

  /** @returns whether the script ended between two units */
  end(): boolean {
    this.run(Buffer.alloc(0), true);
    return this.rest.length === 0 && (this.mode === 'between' || this.mode === 'line');
  }

  private run(chunk: Buffer, isLast: boolean): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const before = this.previous;
      const next = this.step(bytes, at, isLast);
      if (next === at) break;
      this.passed(bytes, next, before);
      at = next;
    }
    // A copy, since the chunk's memory may be used again.
    this.rest = Buffer.from(bytes.subarray(at));
  }

  private passed(bytes: Buffer, next: number, before: number): void {
    this.earlier = next >= 2 ? (bytes[next - 2] ?? newline) : before;
    this.previous = bytes[next - 1] ?? newline;
  }

  /** Takes what can be told for sure. @returns up to where */
  private step(bytes: Buffer, at: number, isLast: boolean): number {
    switch (this.mode) {
      case 'between':
        return this.begin(bytes, at, isLast);
      case 'line':
        return this.takeLine(this.lineUnit, bytes, at, 'between');
      case 'copy-line':
        return this.takeLine('data', bytes, at, 'data');
      case 'block': {
        const end = this.skipBlock(bytes, at, isLast);
        if (end > at) this.sink.part('comment', bytes.subarray(at, end), this.depth === 0);
        if (this.depth === 0) this.mode = 'between';
        return end;
      }
      case 'statement':
        return this.takeStatement(bytes, at, isLast);
      default:
        return this.takeData(bytes, at, isLast);
    }
  }

  private begin(bytes: Buffer, at: number, isLast: boolean): number {
    const [first, second] = [bytes[at], bytes[at + 1]];
    if (isSpace(first)) {
      let end = at + 1;
      while (isSpace(bytes[end])) end += 1;
      this.sink.part('space', bytes.subarray(at, end), true);
      return end;
    }
    if (second === undefined && !isLast && (first === dash || first === slash)) return at;
    if (first === backslash || (first === dash && second === dash)) {
      this.mode = 'line';
      this.lineUnit = first === backslash ? 'command' : 'comment';
      return this.step(bytes, at, isLast);
    }
    if (first === slash && second === star) {
      this.mode = 'block';
      this.depth = 0;
      return this.step(bytes, at, isLast);
    }
    this.mode = 'statement';
    this.inside = 'plain';
    return this.takeStatement(bytes, at, isLast);
  }

  private takeLine(unit: Unit, bytes: Buffer, at: number, after: Mode): number {
    const found = bytes.indexOf(newline, at);
    const end = found === -1 ? bytes.length : found + 1;
    this.sink.part(unit, bytes.subarray(at, end), found !== -1 && after === 'between');
    if (found !== -1) this.mode = after;
    return end;
  }

  /** Skips what is in a comment whose marks may be nested; `depth` is 0 before its beginning and after its end. */
  private skipBlock(bytes: Buffer, at: number, isLast: boolean): number {
    let position = at;
    while (position < bytes.length) {
      const [first, second] = [bytes[position], bytes[position + 1]];
      if (second === undefined) return isLast ? bytes.length : position;
      const change = first === slash && second === star ? 1 : first === star && second === slash ? -1 : 0;
      this.depth += change;
      position += change === 0 ? 1 : 2;
      if (this.depth === 0) return position;
    }
    return position;
  }

  private takeStatement(bytes: Buffer, at: number, isLast: boolean): number {
    let position = at;
    let ended = false;
    while (position < bytes.length && !ended) {
      const next = this.inside === 'plain' ? this.skipPlain(bytes, position, isLast) : this.skipInside(bytes, position, isLast);
      ended = this.inside === 'plain' && bytes[next - 1] === semicolon && next > position;
      if (next === position) break;
      this.passed(bytes, next, this.previous);
      position = next;
    }
    if (position === at) return at;
    const hasData = this.sink.part('statement', bytes.subarray(at, position), ended);
    if (ended) this.mode = hasData ? 'copy-line' : 'between';
    return position;
  }

  /** Goes on to the next mark that begins or ends something, and over it. */
  private skipPlain(bytes: Buffer, at: number, isLast: boolean): number {
    let position = at;
    while (position < bytes.length && isSpecial[bytes[position] ?? 0] === 0) position += 1;
    if (position > at) return position;
    const [first, second] = [bytes[at], bytes[at + 1]];
    if (first === semicolon) return at + 1;
    if (first === backslash) return this.sink.strayCommand();
    if (first === quote) {
      const isPrefixed = escapePrefixes.has(this.previous) && !isNamePart(this.earlier);
      const isEscape = isPrefixed || (this.previous === quote && this.tookEscapes);
      this.inside = isEscape || !this.sink.hasStandardStrings() ? 'escapes' : 'string';
      return at + 1;
    }
    if (first === doubleQuote) {
      this.inside = 'name';
      return at + 1;
    }
    if (first === dollar) return this.skipTag(bytes, at, isLast);
    if (second === undefined && !isLast) return at;
    if (first === dash && second === dash) this.inside = 'line';
    if (first === slash && second === star) {
      this.inside = 'block';
      this.depth = 0;
      return at;
    }
    return at + 1;
  }

  private skipTag(bytes: Buffer, at: number, isLast: boolean): number {
    if (isNamePart(this.previous)) return at + 1;
    const tag = dollarTag.exec(bytes.toString('latin1', at, at + longestTag))?.[0];
    if (tag === undefined) return bytes.length - at < longestTag && !isLast ? at : at + 1;
    this.inside = 'dollar';
    this.tag = Buffer.from(tag, 'latin1');
    return at + tag.length;
  }

  private skipInside(bytes: Buffer, at: number, isLast: boolean): number {
    switch (this.inside) {
      case 'line':
        return this.skipTo(bytes, at, newline);
      case 'name':
        return this.skipTo(bytes, at, doubleQuote);
      case 'string':
        this.tookEscapes = false;
        return this.skipTo(bytes, at, quote);
      case 'escapes':
        return this.skipEscapes(bytes, at, isLast);
      case 'dollar': {
        const found = bytes.indexOf(this.tag, at);
        if (found === -1) return isLast ? bytes.length : Math.max(at, bytes.length - this.tag.length + 1);
        this.inside = 'plain';
        // Not a part of a name: what follows the tag may be another one.
        return found + this.tag.length;
      }
      default: {
        const end = this.skipBlock(bytes, at, isLast);
        if (this.depth === 0) this.inside = 'plain';
        return end;
      }
    }
  }

  private skipTo(bytes: Buffer, at: number, end: number): number {
    const found = bytes.indexOf(end, at);
    if (found === -1) return bytes.length;
    this.inside = 'plain';
    return found + 1;
  }

  private skipEscapes(bytes: Buffer, at: number, isLast: boolean): number {
    let position = at;
    while (position < bytes.length) {
      const byte = bytes[position];
      if (byte === quote) {
        this.inside = 'plain';
        this.tookEscapes = true;
        return position + 1;
      }
      if (byte === backslash && position + 1 === bytes.length && !isLast) return position;
      position += byte === backslash ? 2 : 1;
    }
    return Math.min(position, bytes.length);
  }

  /** The lines of COPY, up to one that is a backslash and a point alone. */
  private takeData(bytes: Buffer, at: number, isLast: boolean): number {
    let position = at;
    for (;;) {
      const found = bytes.indexOf('\\.', position);
      const sure = found === -1 ? bytes.length - 1 : found;
      const isLineStart = found !== -1 && (found === at ? this.previous : bytes[found - 1]) === newline;
      if (found === -1 || (isLineStart && bytes.length < found + 4 && !isLast && bytes[found + 2] !== newline)) {
        // The last byte may be the backslash of the end, and what follows it decides.
        const end = isLast ? bytes.length : Math.max(at, sure);
        if (end > at) this.sink.part('data', bytes.subarray(at, end), false);
        return end;
      }
      const isEnd = isLineStart && (bytes[found + 2] === newline || (bytes[found + 2] === carriageReturn && bytes[found + 3] === newline) || found + 2 === bytes.length);
      if (isEnd) {
        const end = Math.min(bytes.length, found + (bytes[found + 2] === carriageReturn ? 4 : 3));
        this.mode = 'between';
        this.sink.part('data', bytes.subarray(at, end), true);
        return end;
      }
      position = found + 2;
    }
  }
}
