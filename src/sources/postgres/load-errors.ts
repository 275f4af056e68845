import {TimetilesError} from '../../shared/errors.ts';
import type {Connection} from './connection.ts';
import {fullServerDiskError} from './full-disk.ts';
import {firstError, sqlFailureIn, sqlstates} from './sqlstate.ts';

/** A dump that does not load, with the server's reason. */
export class LoadError extends TimetilesError {
  /** @param sqlstate undefined where the server said nothing, as when psql was killed */
  constructor(message: string, next: string, sqlstate: string | undefined) {
    super('restore', message, next, {sqlstate});
  }
}

const untouched = 'The live database was not touched.';

/** What to do, by the beginning of the SQLSTATE; the longest that fits counts. See "Error Codes" in PostgreSQL's manual. */
const remedies: Readonly<Record<string, string>> = {
  '08': 'The dump reaches for another server, which does not answer. Look whether it is up.',
  '22': 'Look at what the error names: the server refuses a value that it took when the set was made. Does it run the same version?',
  '23': 'Look at what the error names: the rows of the set break a rule of their own table.',
  '28': 'Correct DB_USER and DB_PASSWORD, then restore again.',
  '42': 'Look at what the error names: it was there when the set was made. Does the server have the same version and the same extensions?',
  '42501': 'DB_USER lacks a right for it: set DB_USER to a superuser of this server, then restore again.',
  '42704': 'Something that the set names is not on this server, such as a role or a tablespace: make it, then restore again.',
  '53': 'Free memory or disk space for PostgreSQL, then restore again.',
  '53200': 'PostgreSQL has run out of memory. Raise max_locks_per_transaction or the memory of the container, then restore again.',
  '57': 'The server was stopped or somebody ended the session. Restore again.',
  '58': 'PostgreSQL lacks a file of an extension: run the image that the set was made with.',
  HV: 'The dump reaches for another server, which does not answer. Look whether it is up.',
};

/** The server's own words with what they mean for a restore. */
export function loadError(connection: Connection, stderr: string): TimetilesError {
  const sqlstate = sqlFailureIn(stderr)?.sqlstate;
  const said = firstError(stderr);
  if (sqlstate === sqlstates.diskFull) return fullServerDiskError(connection, said);
  const code = sqlstate ?? '';
  const remedy = remedies[code] ?? remedies[code.slice(0, 2)] ?? `Look at the server's log: docker logs --tail 50 ${connection.container.name}`;
  return new LoadError(`the dump does not load into PostgreSQL in ${connection.container.name}: ${said}`, `${untouched} ${remedy}`, sqlstate);
}

/** What a dump may fail with that would load with its own search path, with its checks last, or without rows from elsewhere. */
const maySucceedLater = /^(?:08|22|23|2F|38|39|3F|42|55|HV|P0|XX)/;
/** What stays so: what is there already. */
const staysSo: ReadonlySet<string> = new Set(['42701', '42710', '42723', '42P04', '42P06', '42P07']);

/** Whether a second, more patient try may help. */
export function isWorthAnotherTry(error: unknown): error is LoadError {
  return error instanceof LoadError && error.sqlstate !== undefined && maySucceedLater.test(error.sqlstate) && !staysSo.has(error.sqlstate);
}
