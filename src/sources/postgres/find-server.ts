import {inspectContainer, listProject, listProjectNames, type Container} from '../../docker/containers.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {SourceContext} from '../source.ts';

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
