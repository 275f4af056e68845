import {startExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {Connection} from './connection.ts';
import {sqlError} from './failure.ts';
import {psqlRequest, type SessionOptions} from './programs.ts';
import {queryLimit} from './psql.ts';
import {identifier} from './sql.ts';

interface QueryOptions {
  /** Takes the output line by line as it comes; by default it is the answer. */
  readonly onLine?: (line: string) => void;
  /** Seconds; default: `queryLimit`. */
  readonly limit?: number;
}

/** A psql session that stays open, for work inside one transaction, and for several questions by one process. */
export interface Session {
  /** Runs SQL and returns its output lines. */
  query(sql: string, options?: QueryOptions): Promise<string[]>;
  close(): Promise<void>;
}

/** A session that is still busy with a query when it is closed is cut off after this time. */
const closeLimitMilliseconds = 5000;

/** Opens a session; a failed query ends it and rejects with psql's words. */
export function openSession(connection: Connection, options: SessionOptions): Session {
  let lines: string[] = [];
  let onLine: QueryOptions['onLine'];
  let waiting: {resolve: (lines: string[]) => void; reject: (error: unknown) => void} | undefined;
  let count = 0;
  const marker = `end-${process.pid}-${Date.now()}`;
  const psql = startExec(connection.docker, {
    ...psqlRequest(connection, options),
    stdin: 'pipe',
    stdout: {
      onLine(line) {
        if (line === `${marker}-${count}`) {
          waiting?.resolve(lines);
          waiting = undefined;
        } else if (line === '') return;
        else if (onLine) onLine(line);
        else lines.push(line);
      },
    },
  });
  const ended = psql.result
    .then((result) => (result.exitCode === 0 ? new TimetilesError('database', 'the session has been closed', 'Run the command again.') : sqlError(connection, result, options.database)))
    // Finding out why it failed may fail too, and that must not go unheard.
    .catch((error: unknown) => error);
  void ended.then((error) => waiting?.reject(error));
  return {
    async query(sql, {onLine: receiver, limit = queryLimit} = {}) {
      lines = [];
      onLine = receiver;
      count += 1;
      const answer = new Promise<string[]>((resolve, reject) => {
        waiting = {resolve, reject};
      });
      const impatience = setTimeout(() => {
        waiting?.reject(noAnswer(connection, limit));
        psql.stop('SIGKILL');
      }, limit * 1000);
      psql.write(`${sql}\n\\echo ${marker}-${count}\n`);
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

/** @param limit seconds */
function noAnswer({container}: Connection, limit: number): TimetilesError {
  return new TimetilesError('timeout', `PostgreSQL in ${container.name} did not answer within ${limit} seconds`, `See what it is busy with: docker logs --tail 50 ${shellWord(container.name)}; docker stats --no-stream`);
}

/** Asks in a database: by default in that of the connection. */
export type Ask = (sql: string, database?: string) => Promise<string[]>;

/**
 * Does work that asks a server several things: by one psql, which goes from database to database. Each further process in
 * the container would cost a fifth of a second. After a question that failed, or a database that let nobody in, the next one begins another.
 */
export async function askServer<Result>(connection: Connection, options: SessionOptions, work: (ask: Ask) => Promise<Result>): Promise<Result> {
  let current: {readonly session: Session; readonly database: string} | undefined;
  const leave = async () => {
    const {session} = current ?? {};
    current = undefined;
    await session?.close();
  };
  const enter = async (database: string): Promise<Session> => {
    const move = moveCommand(database);
    if (current && current.database !== database && move === undefined) await leave();
    const session = current?.session ?? openSession(connection, {...options, database});
    const isElsewhere = current !== undefined && current.database !== database;
    current = {session, database};
    if (isElsewhere && move !== undefined) await session.query(move);
    return session;
  };
  const ask: Ask = async (sql, database = options.database ?? connection.database) => {
    try {
      return await (await enter(database)).query(sql);
    } catch (error) {
      await leave();
      throw error;
    }
  };
  try {
    return await work(ask);
  } finally {
    await leave();
  }
}

/** As pg_dump writes it (appendPsqlMetaConnect in its string_utils.c): a name alone may be taken for a connection string. Undefined for a name with a line break. Pure. */
export function moveCommand(database: string): string | undefined {
  if (/[\r\n]/.test(database)) return undefined;
  return `\\connect -reuse-previous=on ${identifier(`dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`)}`;
}

/**
 * What psql needs to run a script by the container's shell, as the user that it runs as; it goes on where there is none. The script may not read.
 * Undefined where a word has a line break, at which psql's own command would end. Pure.
 */
export function shellCommand(script: string, words: readonly string[]): string | undefined {
  const command = ['sh', '-c', script, 'sh', ...words].map(shellWord).join(' ');
  return /[\r\n]/.test(command) ? undefined : `\\! ${command} </dev/null`;
}
