import {TimetilesError} from '../../shared/errors.ts';

/** The source of the main database; each further one is a source of its own, `db-<name>`. */
export const mainSource = 'db';
const furtherPrefix = `${mainSource}-`;

/** What DB_NAME says. */
export interface ConfiguredNames {
  /** In the order in which they are given; the first is the main one. */
  readonly names: readonly string[];
  /** Whether all others of the server are wanted too. */
  readonly all: boolean;
}

/**
 * Reads DB_NAME: a name, several with commas between them, or `*` for all; also `app,*`. A name that has a comma in it,
 * or is a star, stands in double quotes, as in SQL. Pure.
 * @throws TimetilesError `configuration`
 */
export function readDatabaseNames(value: string | undefined): ConfiguredNames {
  const parts = splitNames(value ?? '');
  const names = parts.flatMap((part) => (part === '*' ? [] : [unquoted(part)])).filter((name) => name !== '');
  if (value !== undefined && names.length === 0 && !parts.includes('*')) {
    throw new TimetilesError('configuration', `DB_NAME=${value} names no database`, 'Write DB_NAME="app", DB_NAME="app,shop", or DB_NAME="*" for all databases of the server.');
  }
  return {names: [...new Set(names)], all: parts.includes('*')};
}

/** Names as a value of DB_NAME. Pure. */
export function joinDatabaseNames(names: readonly string[]): string {
  return names.map((name) => (/[,"*]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join(',');
}

/** The source of a further database: no comma, which separates tags, no `+`, no `:`, nothing that a shell or a path would take amiss. Pure. */
export function sourceOfDatabase(database: string): string {
  return `${furtherPrefix}${encodeURIComponent(database).replace(/[!'()*~]/g, (character) => `%${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}`)}`;
}

/** The database that such a source is of; undefined where a source's name is another's. Pure. */
export function databaseOfSource(source: string): string | undefined {
  if (!source.startsWith(furtherPrefix)) return undefined;
  try {
    const database = decodeURIComponent(source.slice(furtherPrefix.length));
    return database !== '' && sourceOfDatabase(database) === source ? database : undefined;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** At commas outside double quotes; a quote within quotes is doubled. A quote in the middle of a name is one of its characters. */
function splitNames(value: string): string[] {
  const parts = value.match(/\s*"(?:[^"]|"")*"\s*(?=,|$)|[^,]+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

function unquoted(part: string): string {
  return /^"(?:[^"]|"")*"$/.test(part) ? part.slice(1, -1).replaceAll('""', '"') : part;
}
