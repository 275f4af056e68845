import {createHash} from 'node:crypto';
import {runExec, startExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {Connection} from './connection.ts';
import {sqlError} from './failure.ts';
import {applicationPrefix, psqlRequest, type SessionOptions} from './programs.ts';
import {literal} from './sql.ts';

export interface PsqlOptions extends SessionOptions {
  /** Seconds; default: `queryLimit`. */
  readonly limit?: number;
}

/** Seconds that an ordinary query or statement may take; counting and analysing a large database take longer. */
const queryLimit = 120;
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

/** A psql session that stays open, for work inside one transaction. */
export interface Session {
  /** Runs SQL and returns its output lines. */
  query(sql: string): Promise<string[]>;
  close(): Promise<void>;
}

/** A session that is still busy with a query when it is closed is cut off after this time. */
const closeLimitMilliseconds = 5000;

/** Opens a session; a failed query ends it and rejects with psql's words. */
export function openSession(connection: Connection, options: PsqlOptions): Session {
  let lines: string[] = [];
  let waiting: {resolve: (lines: string[]) => void; reject: (error: unknown) => void} | undefined;
  let count = 0;
  const marker = `end-${process.pid}-${Date.now()}`;
  const psql = startExec(connection.docker, {
    ...psqlRequest(connection, options),
    stdin: 'pipe',
    stdout: {
      onLine(line) {
        if (line !== `${marker}-${count}`) {
          if (line !== '') lines.push(line);
          return;
        }
        waiting?.resolve(lines);
        waiting = undefined;
      },
    },
  });
  const ended = psql.result
    .then((result) => (result.exitCode === 0 ? new TimetilesError('database', 'the session has been closed', 'Run the command again.') : sqlError(connection, result, options.database)))
    // Finding out why it failed may fail too, and that must not go unheard.
    .catch((error: unknown) => error);
  void ended.then((error) => waiting?.reject(error));
  return {
    async query(sql) {
      lines = [];
      count += 1;
      const answer = new Promise<string[]>((resolve, reject) => {
        waiting = {resolve, reject};
      });
      psql.write(`${sql}\n\\echo ${marker}-${count}\n`);
      const impatience = setTimeout(() => {
        waiting?.reject(noAnswer(connection));
        psql.stop('SIGKILL');
      }, queryLimit * 1000);
      try {
        return await Promise.race([answer, ended.then((error) => Promise.reject(error))]);
      } finally {
        clearTimeout(impatience);
      }
    },
    async close() {
      psql.closeInput();
      const impatience = setTimeout(() => psql.stop('SIGKILL'), closeLimitMilliseconds);
      await ended;
      clearTimeout(impatience);
    },
  };
}

function noAnswer({container}: Connection): TimetilesError {
  return new TimetilesError('timeout', `PostgreSQL in ${container.name} did not answer within ${queryLimit} seconds`, `See what it is busy with: docker logs --tail 50 ${shellWord(container.name)}; docker stats --no-stream`);
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
