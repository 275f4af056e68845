import {inspectContainer, listProject, type Container} from '../docker/containers.ts';
import {startContainer, stopContainer, waitUntilHealthy} from '../docker/lifecycle.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {sources} from '../sources/registry.ts';
import type {Context} from './context.ts';

/** How long the app may take to become healthy after a restore, in milliseconds. */
const healthLimit = 180_000;

export interface ContainerName {
  readonly id: string;
  readonly name: string;
}

/**
 * The running containers that a restore has to stop: RESTORE_STOP_SERVICES, or all of the project but those that serve
 * the data, and whatever else holds the data open.
 * @param mustStop ids that the sources ask for
 */
export async function containersToStop(context: Context, mustStop: readonly string[]): Promise<Container[]> {
  const docker = await context.docker();
  const {COMPOSE_PROJECT_NAME: project, RESTORE_STOP_SERVICES: services} = context.settings;
  const running = (await listProject(docker, project)).filter((container) => container.running);
  const unknown = (services ?? []).filter((service) => !running.some((container) => container.service === service));
  if (unknown.length > 0) context.log.warn(`RESTORE_STOP_SERVICES names services that do not run: ${unknown.join(', ')}`);
  const serving = new Set((await Promise.all(sources.map((source) => source.servingContainers(context)))).flat());
  const chosen = running.filter((container) => services === undefined || services.includes(container.service ?? ''));
  const others = await Promise.all(mustStop.map((id) => inspectContainer(docker, id)));
  const all = new Map([...chosen, ...others.filter((container) => container !== undefined)].map((container) => [container.id, container]));
  return [...all.values()].filter((container) => !serving.has(container.id));
}

/** Stops those containers that run, one after the other; also one that is just being stopped is down when this returns. */
export async function stopApp(context: Context, containers: readonly ContainerName[]): Promise<void> {
  const docker = await context.docker();
  for (const {id, name} of containers) {
    const container = await inspectContainer(docker, id);
    if (!container || container.state === 'exited') continue;
    context.log.info(`stopping ${name}`);
    await stopContainer(docker, container);
  }
}

/**
 * Starts containers again, all of them even when one fails. One that was removed meanwhile is told, not an error.
 * @returns the names of those that run
 */
export async function startApp(context: Context, containers: readonly ContainerName[]): Promise<string[]> {
  const docker = await context.docker();
  const started: string[] = [];
  const failures: {name: string; error: unknown}[] = [];
  for (const {id, name} of containers) {
    try {
      if (!(await inspectContainer(docker, id))) {
        context.log.warn(`the container ${name} was removed meanwhile and cannot be started again: docker compose up -d`);
        continue;
      }
      context.log.info(`starting ${name}`);
      await startContainer(docker, id);
      started.push(name);
    } catch (error) {
      failures.push({name, error});
    }
  }
  const [first] = failures;
  if (first) {
    const names = failures.map(({name}) => name).join(', ');
    throw new TimetilesError('unhealthy', `${names} could not be started again: ${messageOf(first.error)}`, 'Correct the cause, then start what is down: docker compose up -d', {cause: new AggregateError(failures.map(({error}) => error))});
  }
  return started;
}

/** Waits until every container is healthy. @throws TimetilesError `unhealthy` */
export async function waitForApp(context: Context, containers: readonly ContainerName[]): Promise<void> {
  const docker = await context.docker();
  for (const {id, name} of containers) {
    context.log.progress({label: `waiting for ${name}`});
    await waitUntilHealthy(docker, id, healthLimit);
  }
}
