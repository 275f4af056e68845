import {startExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {Connection} from './connection.ts';
import {sqlError} from './failure.ts';
import {psqlRequest, type SessionOptions} from './programs.ts';
import {queryLimit} from './psql.ts';

interface QueryOptions {
  /** Takes the output line by line as it comes; by default it is the answer. */
  readonly onLine?: (line: string) => void;
  /** Seconds; default: `queryLimit`. */
  readonly limit?: number;
}

/** A psql session that stays open, for work inside one transaction. */
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
