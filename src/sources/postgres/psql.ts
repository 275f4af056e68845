import {createHash} from 'node:crypto';
import {runExec} from '../../docker/exec.ts';
import type {Connection} from './connection.ts';
import {sqlError} from './failure.ts';
import {applicationPrefix, psqlRequest, type SessionOptions} from './programs.ts';
import {literal} from './sql.ts';

export interface PsqlOptions extends SessionOptions {
  /** Seconds; default: `queryLimit`. */
  readonly limit?: number;
}

/** Seconds that an ordinary query or statement may take; counting and analysing a large database take longer. */
export const queryLimit = 120;
export const longQueryLimit = 6 * 3600;

/** Runs a script, stopping at its first error. @returns its output lines */
export async function runSql(connection: Connection, sql: string, options: PsqlOptions): Promise<string[]> {
  const lines: string[] = [];
  await streamSql(connection, sql, options, (line) => {
    if (line !== '') lines.push(line);
  });
  return lines;
}

/** The same for an answer of any length, line by line. */
export async function streamSql(connection: Connection, sql: string, options: PsqlOptions, onLine: (line: string) => void): Promise<void> {
  const result = await runExec(connection.docker, {
    ...psqlRequest(connection, options),
    stdin: {text: `${sql}\n`},
    stdout: {onLine},
    limit: options.limit ?? queryLimit,
  });
  if (result.exitCode !== 0) throw await sqlError(connection, result, options.database);
}

/** Runs a query whose only row is one JSON value. */
export async function queryJson(connection: Connection, sql: string, options: PsqlOptions): Promise<unknown> {
  const [line] = await runSql(connection, sql, options);
  return line === undefined ? undefined : JSON.parse(line);
}

/** Asks in a database: by default in that of the connection. @returns the lines of the answer */
export type Ask = (sql: string, database?: string) => Promise<string[]>;

export function askerOf(connection: Connection, options: PsqlOptions): Ask {
  return (sql, database = options.database) => runSql(connection, sql, {...options, database});
}

/** Runs a script by the container's shell, as the user that psql runs as. @returns its lines, the empty ones left out; none where it fails */
export async function runScript({docker, container, route}: Connection, script: string, words: readonly string[]): Promise<string[]> {
  const {stdout} = await runExec(docker, {container: container.id, user: route.osUser, command: ['sh', '-c', script, 'sh', ...words], environment: {}, limit: queryLimit});
  return stdout.split('\n').filter((line) => line !== '');
}

/**
 * The name of a run in pg_stat_activity: the repository's mark, so that two installations on one server leave each
 * other's sessions alone, and the run's own id.
 */
export function runName(repository: string, id: string): string {
  return `${createHash('sha256').update(repository).digest('hex').slice(0, 8)}-${id}`;
}

/**
 * Makes the statement that ends sessions which other runs on this repository left in the server, such as a pg_dump
 * whose reader was killed. The repository's lock must be held.
 */
export function endLeftoverSessionsSql(run: string): string {
  const prefix = `${applicationPrefix}${run.slice(0, 9)}`;
  return `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and left(application_name, ${prefix.length}) = ${literal(prefix)} and pid <> pg_backend_pid();`;
}
