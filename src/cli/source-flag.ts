import {Flags} from '@oclif/core';
import {TimetilesError} from '../shared/errors.ts';
import {shownWord} from '../shared/format.ts';
import {sourceByName, sources} from '../sources/registry.ts';
import {sourceOfDatabase} from '../sources/postgres/database-names.ts';

/** A flag whose value is a source, to be read by `sourceOf`: oclif would garble what a parser of its own throws. */
export function sourceFlag(description: string) {
  return Flags.string({helpValue: 'SOURCE', description: `${description}: db, uploads, or one of several databases, such as db-shop`});
}

/**
 * The source that a flag names; a database may have the name there that it has in PostgreSQL.
 * @param command such as `restore`
 * @throws TimetilesError `usage`
 */
export function sourceOf<Name extends string>(command: string, flags: Readonly<Partial<Record<Name, string | undefined>>>, name: Name): string | undefined {
  const value = flags[name];
  if (value === undefined || sourceByName(value)) return value;
  if (value.startsWith('db-') && value.length > 'db-'.length) return sourceOfDatabase(value.slice('db-'.length));
  const known = sources.map((source) => source.name).join(', ');
  throw new TimetilesError('usage', `Expected --${name}=${shownWord(value)} to be one of: ${known}, or of several databases one such as db-shop`, `See timetiles ${command} --help`);
}
