import {createHash} from 'node:crypto';
import {inspectContainer} from '../../docker/containers.ts';
import {runExec, startExec} from '../../docker/exec.ts';
import {describeEnd, type CommandResult} from '../../process/run.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {Connection} from './connection.ts';
import {literal} from './sql.ts';
import {fullServerDiskError} from './full-disk.ts';
import {sqlstateIn, sqlstates} from './sqlstate.ts';

/** Sessions of this tool carry this name in pg_stat_activity, followed by the id of the run. */
export const applicationPrefix = 'timetiles-';

export interface PsqlOptions {
  /** Default: the connection's database. */
  readonly database?: string | undefined;
  /** The id of the run, by which leftover sessions are found. */
  readonly run: string;
  /** Seconds; default: `queryLimit`. */
  readonly limit?: number;
}

/** Seconds that an ordinary query or statement may take; counting and analysing a large database take longer. */
const queryLimit = 120;
export const longQueryLimit = 6 * 3600;

/** How psql is called: nothing but what its script prints. */
export const psqlCommand = ['psql', '--no-psqlrc', '--no-align', '--tuples-only', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose'];

/**
 * The environment of PostgreSQL's programs. Names and password travel here and not in an argv; PGDATABASE is never
 * taken for a connection string. Time limits that the operator set for the app must not end a backup.
 */
export function postgresEnvironment(connection: Connection, options: PsqlOptions): Record<string, string> {
  return {
    PGUSER: connection.user,
    PGDATABASE: options.database ?? connection.database,
    ...(connection.password === undefined ? {} : {PGPASSWORD: connection.password}),
    PGAPPNAME: `${applicationPrefix}${options.run}`,
    PGCONNECT_TIMEOUT: '30',
    PGOPTIONS:
      '-c client_min_messages=warning -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c default_transaction_read_only=off -c row_security=off',
  };
}

export function psqlEnvironment(connection: Connection, options: PsqlOptions): Record<string, string> {
  return {...postgresEnvironment(connection, options), PGCLIENTENCODING: 'UTF8'};
}

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
    container: connection.container.id,
    command: psqlCommand,
    environment: psqlEnvironment(connection, options),
    stdin: {text: `${sql}\n`},
    stdout: {onLine},
    limit: options.limit ?? queryLimit,
  });
  if (result.exitCode !== 0) throw await sqlError(connection, result);
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
    container: connection.container.id,
    command: psqlCommand,
    environment: psqlEnvironment(connection, options),
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
  const ended = psql.result.then(
    (result) => sqlError(connection, result),
    (error: unknown) => error,
  );
  void ended.then((error) => waiting?.reject(error));
  return {
    async query(sql) {
      lines = [];
      count += 1;
      const answer = new Promise<string[]>((resolve, reject) => {
        waiting = {resolve, reject};
      });
      psql.write(`${sql}\n\\echo ${marker}-${count}\n`);
      return Promise.race([answer, ended.then((error) => Promise.reject(error))]);
    },
    async close() {
      psql.closeInput();
      const impatience = setTimeout(() => psql.stop('SIGKILL'), closeLimitMilliseconds);
      await ended;
      clearTimeout(impatience);
    },
  };
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

/** What docker exec ends with when the container goes down: 137, the program was killed with it; 126, none can be started any more. */
const endsOfStopping: ReadonlySet<number | undefined> = new Set([126, 137]);
/** The engine needs a moment to notice that a container has ended. */
const noticeMilliseconds = 2000;

/** Whether the container went down under a program, which is then the cause, whatever the program said. */
async function isContainerGone({docker, container}: Connection, result: CommandResult): Promise<boolean> {
  if (/^Error response from daemon: .*is not running/.test(firstError(result.stderr))) return true;
  if (!endsOfStopping.has(result.exitCode)) return false;
  return waitUntil(async () => (await inspectContainer(docker, container.id))?.running !== true, {limit: noticeMilliseconds, interval: 100, signal: docker.signal});
}

async function sqlError(connection: Connection, result: CommandResult): Promise<TimetilesError> {
  const said = firstError(result.stderr || describeEnd(result));
  const sqlstate = sqlstateIn(result.stderr);
  if (sqlstate === sqlstates.diskFull) return fullServerDiskError(connection, said);
  if (await isContainerGone(connection, result)) {
    return new TimetilesError('container', `the container ${connection.container.name} does not run any more`, `Start it: docker start ${connection.container.name}`);
  }
  if (/password authentication failed|no password supplied|role .* does not exist/i.test(said)) {
    return new TimetilesError('database', `PostgreSQL in ${connection.container.name} refuses the login of ${connection.user}: ${said}`, 'Set DB_USER and DB_PASSWORD to those of the running server.');
  }
  if (/database .* does not exist/i.test(said)) {
    return new TimetilesError('database', `${said} in the container ${connection.container.name}`, 'Correct DB_NAME, or restore the database first: timetiles restore latest --only db');
  }
  if (/starting up|shutting down|could not connect|connection to server/i.test(said)) {
    return new TimetilesError('database', `PostgreSQL in ${connection.container.name} does not answer: ${said}`, `Look at its log: docker logs --tail 50 ${connection.container.name}`);
  }
  return new TimetilesError('database', `PostgreSQL in ${connection.container.name}: ${said}`, `Look at its log: docker logs --tail 50 ${connection.container.name}`, {sqlstate});
}

/** The first error in what psql or pg_dump printed, without the program's name. */
export function firstError(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const line = lines.find((candidate) => /error:|fatal:|panic:/i.test(candidate)) ?? lines.at(-1) ?? 'it ended without a word';
  const said = line.replace(/^(psql|pg_dump|pg_restore):(<stdin>:\d+:)?\s*/, '').replace(/^error:\s*/i, '').replace(/^.*FATAL:\s+/, '').replace(/^[0-9A-Z]{5}: /, '');
  // pg_dump tells what it was doing, and only then why it could not.
  const why = lines.map((candidate) => /detail: Error message from server: (.+)$/.exec(candidate)?.[1]).find((text) => text !== undefined);
  return why === undefined ? said : `${said} ${why}`;
}
