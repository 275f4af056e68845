import type {Candidate} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import {joinDatabaseNames} from './database-names.ts';

/** A database of the server, and how many tables somebody made in it; null where this user may not look. */
export interface ServerDatabase {
  readonly name: string;
  readonly tables: number | null;
}

export type DatabaseChoice =
  | {readonly state: 'found'; readonly name: string}
  /** The configured one has no tables, but another has. */
  | {readonly state: 'instead'; readonly name: string}
  | {readonly state: 'several'; readonly databases: readonly ServerDatabase[]}
  /** The one that earlier backups hold has no tables any more, and another one must not take its place. */
  | {readonly state: 'lost'; readonly name: string; readonly databases: readonly ServerDatabase[]};

/**
 * Picks the database that holds the app's data where DB_NAME does not name it: the one that the container's environment
 * names, unless that one is empty and another is not. Pure.
 * @param preferred as the environment of the container has it
 * @param databases all of the server, the preferred one too if it exists
 * @param earlier the database that the newest backup holds
 */
export function chooseDatabase({preferred, databases, earlier}: {preferred: string; databases: readonly ServerDatabase[]; earlier: string | undefined}): DatabaseChoice {
  const own = databases.find(({name}) => name === preferred);
  if (own && own.tables !== 0) return {state: 'found', name: preferred};
  const filled = databases.filter(({name, tables}) => name !== preferred && tables !== null && tables > 0);
  if (earlier !== undefined) {
    if (filled.some(({name}) => name === earlier)) return {state: earlier === preferred ? 'found' : 'instead', name: earlier};
    if (earlier === preferred && own) return {state: 'found', name: preferred};
    if (filled.length > 0) return {state: 'lost', name: earlier, databases: filled};
  }
  const [only, second] = filled;
  if (second) return {state: 'several', databases: filled};
  return only ? {state: 'instead', name: only.name} : {state: 'found', name: preferred};
}

/** The lines for one of several databases, for all of these, and for whatever will be there. Pure. */
export function databaseCandidates(databases: readonly ServerDatabase[]): Candidate[] {
  const names = databases.map(({name}) => name);
  const describe = ({tables}: ServerDatabase) => (tables === null ? 'it cannot be looked into' : plural(tables, 'table'));
  return [
    ...databases.map((database) => ({key: 'DB_NAME', value: joinDatabaseNames([database.name]), description: describe(database)})),
    ...(names.length > 1 ? [{key: 'DB_NAME', value: joinDatabaseNames(names), description: 'all of these'}] : []),
    {key: 'DB_NAME', value: '*', description: 'all of the server, also those that come later'},
  ];
}

/** Variables by which apps are told the name alone. */
const nameVariables = ['DB_NAME', 'DB_DATABASE', 'DATABASE_NAME', 'POSTGRES_DB', 'POSTGRES_DATABASE', 'POSTGRESQL_DATABASE', 'PGDATABASE'];

/** Those of some databases that the containers of an app name in their environment, each once. Pure. */
export function namedByApp(containers: readonly {readonly environment: Readonly<Record<string, string>>}[], databases: readonly ServerDatabase[]): string[] {
  const named = new Set(containers.flatMap(({environment}) => Object.entries(environment).flatMap(([key, value]) => (nameVariables.includes(key) ? [value] : databaseOfUrl(value)))));
  return databases.map(({name}) => name).filter((name) => named.has(name));
}

/** The database of a URL such as `postgresql://user:password@db:5432/app?schema=public`. */
function databaseOfUrl(value: string): string[] {
  const [, path] = /^(?:jdbc:)?postgres(?:ql)?(?:\+\w+)?:\/\/[^/?#]*\/([^/?#]+)/.exec(value) ?? [];
  if (path === undefined) return [];
  try {
    return [decodeURIComponent(path)];
  } catch (error) {
    if (error instanceof URIError) return [path];
    throw error;
  }
}
