import type {Settings} from '../../config/settings.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {inspectContainer, listProject, listProjectNames, type Container} from '../../docker/containers.ts';
import {runExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {SourceContext} from '../source.ts';

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
 * Finds the PostgreSQL container: POSTGRES_CONTAINER, or the service `postgres` of the compose project.
 * @throws TimetilesError `container` that says what there is instead
 */
export async function findDatabaseContainer(context: SourceContext): Promise<Container> {
  const docker = await context.docker();
  const {POSTGRES_CONTAINER: name, COMPOSE_PROJECT_NAME: project} = context.settings;
  if (name !== undefined) {
    const container = await inspectContainer(docker, name);
    if (container) return container;
    throw new TimetilesError('container', `there is no container ${name} (POSTGRES_CONTAINER)`, 'See what there is: docker ps -a. Then correct POSTGRES_CONTAINER.');
  }
  const containers = await listProject(docker, project);
  const found = containers.filter((container) => container.service === 'postgres');
  const [only] = found.length === 1 ? found : found.filter((container) => container.running);
  if (only && found.filter((container) => container.running).length <= 1) return only;
  if (found.length > 1) {
    const names = found.map((container) => container.name).join(', ');
    throw new TimetilesError('container', `the project ${project} has several postgres containers: ${names}`, 'Name the right one with POSTGRES_CONTAINER.');
  }
  if (containers.length === 0) {
    const projects = await listProjectNames(docker);
    const others = projects.length === 0 ? 'no compose project at all' : `these projects: ${projects.join(', ')}`;
    throw new TimetilesError('container', `there is no compose project ${project}; Docker has ${others}`, 'Start it with docker compose up -d, or correct COMPOSE_PROJECT_NAME.');
  }
  const services = [...new Set(containers.map((container) => container.service))].join(', ');
  throw new TimetilesError('container', `the compose project ${project} has no service postgres, only: ${services}`, 'Name the database container with POSTGRES_CONTAINER.');
}

/** Finds the container, demands that it runs, and learns name, user and password from configuration or container. */
export async function connectDatabase(context: SourceContext): Promise<Connection> {
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
    database: databaseName(settings, variables) ?? (await fromFile('POSTGRES_DB_FILE')) ?? user,
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
