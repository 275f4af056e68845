import {z} from 'zod';
import type {Connection} from './connection.ts';
import {longQueryLimit, queryJson, runSql} from './psql.ts';
import {identifier, literal, maintenanceDatabase} from './sql.ts';
import {dropDatabase} from './swap.ts';

/**
 * Extensions that refuse every database but the one that the server's configuration names, and the name that they take
 * besides, since PostgreSQL's regression tests run in a database of that name.
 */
const boundExtensions: Readonly<Record<string, string>> = {pg_cron: 'contrib_regression'};
/** Its catalogue takes rows only between two calls, and only in the version that was dumped. See "Logical backup" in TimescaleDB's manual. */
const timescale = 'timescaledb';
/** Besides pg_cron, these have to be loaded when the server starts, or else they cannot be created. */
const preloaded: ReadonlySet<string> = new Set([timescale, 'citus', 'pgaudit', 'pglogical', 'pg_squeeze']);

/** Whether an extension can only be created where the server loads it at its start. Pure. @param before what the set's server loaded */
export function mustBePreloaded(extension: string, before: readonly string[]): boolean {
  return extension === 'pg_cron' || (preloaded.has(extension) && before.includes(extension));
}

export interface WantedExtension {
  readonly name: string;
  readonly version?: string;
}

/** The name that the creation of some of these extensions has to borrow. */
export function borrowedNames(extensions: readonly WantedExtension[]): string[] {
  return extensions.map(({name}) => boundExtensions[name]).filter((name) => name !== undefined);
}

/**
 * Creates what a dump itself could not, in the scratch database: extensions that are bound to one database's name, whose
 * jobs and tables the dump then fills as any others, and those that have to be told that a dump is coming.
 */
export async function prepareExtensions(connection: Connection, extensions: readonly WantedExtension[], scratch: string, run: string): Promise<void> {
  for (const {name} of extensions) {
    const borrowed = boundExtensions[name];
    if (borrowed !== undefined) await createUnderOtherName(connection, {extension: name, scratch, borrowed, run});
  }
  const version = extensions.find(({name}) => name === timescale)?.version;
  if (!extensions.some(({name}) => name === timescale)) return;
  const create = `create extension ${timescale}${version === undefined ? '' : ` version ${literal(version)}`};`;
  await runSql(connection, create, {database: scratch, run});
  // A session of its own: the extension's library is loaded with it.
  await runSql(connection, 'select timescaledb_pre_restore();', {database: scratch, run});
}

/** Ends what `prepareExtensions` began, once the dump is loaded. */
export async function finishExtensions(connection: Connection, extensions: readonly WantedExtension[], scratch: string, run: string): Promise<void> {
  if (extensions.some(({name}) => name === timescale)) await runSql(connection, 'select timescaledb_post_restore();', {database: scratch, run, limit: longQueryLimit});
}

/** Jobs of pg_cron name the database that they run in. */
export async function renameInJobs(connection: Connection, extensions: readonly WantedExtension[], {scratch, from, to, run}: {scratch: string; from: string; to: string; run: string}): Promise<void> {
  if (from === to || !extensions.some(({name}) => name === 'pg_cron')) return;
  await runSql(connection, `update cron.job set database = ${literal(to)} where database = ${literal(from)};`, {database: scratch, run});
}

interface Borrowing {
  readonly extension: string;
  readonly scratch: string;
  readonly borrowed: string;
  readonly run: string;
}

/** The comment tells the next command whose database has the borrowed name, should this one be killed meanwhile. */
async function createUnderOtherName(connection: Connection, {extension, scratch, borrowed, run}: Borrowing): Promise<void> {
  const maintenance = {database: maintenanceDatabase(connection.database), run};
  await runSql(connection, `comment on database ${identifier(scratch)} is ${literal(scratch)};\nalter database ${identifier(scratch)} rename to ${identifier(borrowed)};`, maintenance);
  try {
    await runSql(connection, `create extension ${identifier(extension)};`, {database: borrowed, run});
  } finally {
    await runSql(connection, `alter database ${identifier(borrowed)} rename to ${identifier(scratch)};\ncomment on database ${identifier(scratch)} is null;`, maintenance);
  }
}

/** Drops a scratch database that was left under a name which it had borrowed. Another database of that name is left alone. */
export async function dropBorrowed(connection: Connection, scratch: string, run: string): Promise<void> {
  const names = Object.values(boundExtensions).map(literal).join(', ');
  const query = `select coalesce(json_agg(datname), '[]') from pg_database where datname in (${names}) and shobj_description(oid, 'pg_database') = ${literal(scratch)};`;
  const left = z.array(z.string()).parse(await queryJson(connection, query, {database: maintenanceDatabase(connection.database), run}));
  for (const name of left) await dropDatabase(connection, name, run);
}
