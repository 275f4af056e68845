import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {Connection} from './connection.ts';

/** The server could not write for want of room (SQLSTATE 53100). @param said its own words, which name the file */
export function fullServerDiskError({container}: Pick<Connection, 'container'>, said: string): TimetilesError {
  const path = container.environment['PGDATA'] ?? '/';
  return new TimetilesError(
    'no-room',
    `a disk of PostgreSQL in ${container.name} is full: ${said}`,
    `Free some space on it. Which one it is: docker exec ${shellWord(container.name)} df -h`,
    {sqlstate: '53100', room: {path}},
  );
}
