import {runExec} from '../../docker/exec.ts';
import {findTrouble} from '../../docker/trouble.ts';
import {describeEnd, type CommandResult} from '../../process/run.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import {waitUntil} from '../../shared/wait.ts';
import {fullServerDiskError} from './full-disk.ts';
import {programRequest, psqlRequest, type Access, type Route} from './programs.ts';
import {literal, maintenanceDatabase} from './sql.ts';
import {firstError, sqlFailureIn, sqlstates} from './sqlstate.ts';

/** psql ends with it when it cannot connect, or loses the connection. */
export const noConnection = 2;
/** What docker exec ends with when the container goes down: 137, the program was killed with it; 126, none can be started any more. */
const endsOfStopping: ReadonlySet<number | undefined> = new Set([126, 137]);
/** The engine needs a moment to notice that a container has ended. */
const noticeMilliseconds = 2000;
/** Seconds for a question that a living server answers at once. */
const lookLimit = 30;

/** What a server says to whoever knocks, without a login: libpq tells "starting" by its SQLSTATE, in any language. */
export type Readiness = 'accepting' | 'rejecting' | 'silent';

export async function askReadiness(access: Access, route: Route, run: string): Promise<Readiness> {
  const result = await runExec(access.docker, {...programRequest({...access, route}, ['pg_isready', '--quiet', '--timeout=5'], {run}), limit: lookLimit});
  if (result.exitCode === 0) return 'accepting';
  return result.exitCode === 1 ? 'rejecting' : 'silent';
}

/** What happened to the container, or to the engine, under a program, which is then the cause, whatever the program said. */
export async function troubleUnder({docker, container}: Pick<Access, 'docker' | 'container'>, result: CommandResult): Promise<TimetilesError | undefined> {
  let trouble = await findTrouble(docker, container);
  if (trouble || !endsOfStopping.has(result.exitCode)) return trouble;
  await waitUntil(async () => (trouble = await findTrouble(docker, container)) !== undefined, {limit: noticeMilliseconds, interval: 100, signal: docker.signal});
  return trouble;
}

/** The failure of psql as an error, by its SQLSTATE where there is one and by what the server answers to a second question where not. */
export async function sqlError(access: Access, result: CommandResult, database = access.database): Promise<TimetilesError> {
  const {name} = access.container;
  const log = `Look at its log: docker logs --tail 50 ${shellWord(name)}`;
  const failure = sqlFailureIn(result.stderr);
  // A full disk may end the server too, and is then the cause.
  if (failure?.sqlstate === sqlstates.diskFull) return fullServerDiskError(access, failure.message);
  const trouble = await troubleUnder(access, result);
  if (trouble) return trouble;
  if (failure) return new TimetilesError('database', `PostgreSQL in ${name}: ${failure.message}`, log, {sqlstate: failure.sqlstate});
  const said = firstError(result.stderr || describeEnd(result));
  if (result.exitCode !== noConnection) return new TimetilesError('database', `PostgreSQL in ${name}: ${said}`, log);
  const readiness = await askReadiness(access, access.route, 'look');
  if (readiness !== 'accepting') {
    const sqlstate = readiness === 'rejecting' ? sqlstates.cannotConnectNow : sqlstates.connectionFailure;
    return new TimetilesError('database', `PostgreSQL in ${name} does not answer: ${said}`, log, {sqlstate});
  }
  return (await databaseExists(access, database)) === false ? unknownDatabase(access, database) : refusedLogin(access, [said]);
}

/** Undefined where the server does not let us ask. */
async function databaseExists(access: Access, database: string): Promise<boolean | undefined> {
  const query = `select exists (select from pg_database where datname = ${literal(database)});`;
  const result = await runExec(access.docker, {...psqlRequest(access, {database: maintenanceDatabase(database), run: 'look'}), stdin: {text: query}, limit: lookLimit});
  return result.exitCode === 0 ? result.stdout.trim() === 't' : undefined;
}

export function unknownDatabase({container}: Access, database: string): TimetilesError {
  return new TimetilesError('database', `database "${database}" does not exist in the container ${container.name}`, 'Correct DB_NAME, or restore the database first: timetiles restore latest --only db', {sqlstate: sqlstates.unknownDatabase});
}

/** @param said what the server said to each attempt */
export function refusedLogin({container, user}: Access, said: readonly string[]): TimetilesError {
  const reasons = [...new Set(said)].join('; ');
  return new TimetilesError('database', `PostgreSQL in ${container.name} refuses the login of ${user}: ${reasons}`, 'Set DB_USER and DB_PASSWORD to those of the running server.', {sqlstate: sqlstates.invalidAuthorization});
}

/** The database is there and takes no connections, or none of this role. */
export function refusedDatabase({container, database, user}: Access, said: string): TimetilesError {
  return new TimetilesError('database', `the database ${database} in the container ${container.name} cannot be connected to: ${said}`, `Let ${user} connect to it, or name another one with DB_NAME.`);
}
