import type {DockerHandle} from '../../docker/client.ts';
import type {Container} from '../../docker/containers.ts';
import type {SourceContext} from '../source.ts';
import {awaitServer} from './await-server.ts';
import {findDatabaseContainer} from './find-server.ts';
import type {ServerFacts} from './probe.ts';
import type {Access} from './programs.ts';

/** How to reach the database: by the programs of its own container, and a way in that was tried. */
export interface Connection extends Access {
  readonly container: Container;
  /** What the server said when it was reached. */
  readonly server: ServerFacts;
  /** What is unusual about the way in, for the operator. */
  readonly notes: readonly string[];
  /** Why the database, which is there, cannot be connected to; others of the server can. */
  readonly refusal: string | undefined;
}

/** How long a server that starts, or starts again, is waited for; milliseconds. */
const patience = 60_000;

/** The ways that were learned with an engine, for as long as its handle is used: a command connects often. */
const learned = new WeakMap<DockerHandle, Map<string, Connection>>();

/**
 * Finds the container and a way to its server, as configuration, container and server tell. A server that is just
 * starting is waited for. Whether the database is there, `server` says.
 * @param database another one of that server than the main one
 * @throws TimetilesError `container`, `database` or `configuration`
 */
export async function connectDatabase(context: SourceContext, database = context.database): Promise<Connection> {
  const docker = await context.docker();
  const container = await findDatabaseContainer(context);
  const known = learned.get(docker) ?? new Map<string, Connection>();
  learned.set(docker, known);
  const {DB_USER, DB_PASSWORD, DB_NAME, DB_PORT} = context.settings;
  const key = JSON.stringify([container.id, container.startedAt, DB_USER, DB_PASSWORD, DB_NAME, DB_PORT, database]);
  const before = container.running ? known.get(key) : undefined;
  if (before) return {...before, container};
  const found = await awaitServer(context, docker, container, {database, run: 'connect', limit: patience});
  // The way may have been tried with another database of the server.
  const connection = {...found.access, container: found.container, database: found.database, server: found.server, notes: found.notes, refusal: found.refusal};
  // A database that is missing may come: by a restore.
  if (found.server.hasDatabase && found.refusal === undefined) known.set(key, connection);
  return connection;
}
