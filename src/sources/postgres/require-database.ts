import type {Connection} from './connection.ts';
import {refusedDatabase, unknownDatabase} from './failure.ts';

/** @throws TimetilesError `database` where the database of the connection is not there or lets nobody in */
export function requireDatabase(connection: Connection): void {
  const {server, refusal, database} = connection;
  if (!server.hasDatabase) throw unknownDatabase(connection, database);
  if (refusal !== undefined) throw refusedDatabase(connection, refusal);
}
