import type {Settings} from '../../config/settings.ts';
import type {DockerHandle} from '../../docker/client.ts';
import type {Container} from '../../docker/containers.ts';
import {runExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {SourceContext} from '../source.ts';
import {findDatabaseContainer} from './find-server.ts';

/** How to reach the database: by the tools of its own container, over the container's socket. */
export interface Connection {
  readonly docker: DockerHandle;
  readonly container: Container;
  readonly database: string;
  readonly user: string;
  /** Undefined where the container lets its socket in without one. */
  readonly password: string | undefined;
}

/**
 * Finds the container, demands that it runs, and learns name, user and password from configuration or container.
 * @param database another one of that server than the main one
 */
export async function connectDatabase(context: SourceContext, database?: string): Promise<Connection> {
  const docker = await context.docker();
  const container = await findDatabaseContainer(context);
  if (!container.running) {
    throw new TimetilesError('container', `the container ${container.name} is ${container.state}`, `Start it: docker ${container.state === 'paused' ? 'unpause' : 'start'} ${container.name}`);
  }
  const fromFile = async (key: string) => {
    const path = container.environment[key];
    return path === undefined ? undefined : readContainerFile(docker, container, path);
  };
  const {settings} = context;
  const variables = container.environment;
  const user = settings.DB_USER ?? variables['POSTGRES_USER'] ?? (await fromFile('POSTGRES_USER_FILE')) ?? 'postgres';
  return {
    docker,
    container,
    user,
    database: database ?? databaseName(settings, variables) ?? (await fromFile('POSTGRES_DB_FILE')) ?? user,
    password: settings.DB_PASSWORD ?? variables['POSTGRES_PASSWORD'] ?? variables['POSTGRES_PASS'] ?? (await fromFile('POSTGRES_PASSWORD_FILE')),
  };
}

/** Whose names a container's environment uses: kartoza's, or those of the official image, which are enough by themselves. */
export function usesKartozaNames(environment: Readonly<Record<string, string>>): boolean {
  return !('POSTGRES_PASSWORD' in environment) && ('POSTGRES_PASS' in environment || 'POSTGRES_DBNAME' in environment);
}

/** kartoza's images take a list of names, of which the first is the main one. */
function databaseName(settings: Settings, variables: Readonly<Record<string, string>>): string | undefined {
  return settings.DB_NAME ?? variables['POSTGRES_DB'] ?? variables['POSTGRES_DBNAME']?.split(',')[0]?.trim();
}

async function readContainerFile(docker: DockerHandle, container: Container, path: string): Promise<string> {
  const result = await runExec(docker, {container: container.id, command: ['cat', path], environment: {}});
  if (result.exitCode === 0) return result.stdout.replace(/\r?\n$/, '');
  throw new TimetilesError('container', `${path} in the container ${container.name} cannot be read`, 'Set DB_USER, DB_NAME and DB_PASSWORD in the configuration.');
}
