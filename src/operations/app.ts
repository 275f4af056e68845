import {inspectContainer, listProject, type Container} from '../docker/containers.ts';
import {startContainer, stopContainer, waitUntilHealthy} from '../docker/lifecycle.ts';
import {messageOf, TimetilesError} from '../shared/errors.ts';
import {sources} from '../sources/registry.ts';
import type {Context} from './context.ts';

/** How long the app may take to become healthy after a restore, in milliseconds. */
const healthLimit = 180_000;
/** The same for a container that was not well before the restore either. */
const unwellLimit = 10_000;

/** The containers that were not well before they were stopped, by their ids: `unhealthy`, `starting`, `restarting`. */
export type UnwellBefore = ReadonlyMap<string, string>;

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

/**
 * Stops those containers that run, one after the other; also one that is just being stopped is down when this returns.
 * @returns those that were not well before the first was stopped
 */
export async function stopApp(context: Context, containers: readonly ContainerName[]): Promise<UnwellBefore> {
  const docker = await context.docker();
  const before = await Promise.all(containers.map(({id}) => inspectContainer(docker, id)));
  const unwell = new Map(before.flatMap((container) => {
    const state = container && stateIfUnwell(container);
    return container && state !== undefined ? [[container.id, state] as const] : [];
  }));
  for (const {id, name} of containers) {
    const container = await inspectContainer(docker, id);
    if (!container || container.state === 'exited') continue;
    context.log.info(`stopping ${name}`);
    await stopContainer(docker, container);
  }
  return unwell;
}

/** What a running container is short of being well; undefined where it is, as far as can be told. Pure. */
export function stateIfUnwell({health, state}: Pick<Container, 'health' | 'state'>): string | undefined {
  if (state === 'restarting') return state;
  return state !== 'running' || health === undefined || health === 'none' || health === 'healthy' ? undefined : health;
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

/**
 * Waits until every container is healthy, and says for which. One that was not well before is given little time: what it
 * lacks is no fault of the restore, and a warning.
 * @throws TimetilesError `unhealthy`
 */
export async function waitForApp(context: Context, containers: readonly ContainerName[], unwell: UnwellBefore): Promise<void> {
  const docker = await context.docker();
  for (const {id, name} of containers) {
    const before = unwell.get(id);
    const limit = before === undefined ? healthLimit : unwellLimit;
    const health = (await inspectContainer(docker, id))?.health ?? 'none';
    if (health !== 'none' && health !== 'healthy') context.log.info(`waiting for ${name} to become healthy, ${limit / 1000} seconds at most${before === undefined ? '' : `: it was ${before} before`}`);
    context.log.progress({label: `waiting for ${name} to become healthy`});
    try {
      await waitUntilHealthy(docker, id, limit);
    } catch (error) {
      context.signal.throwIfAborted();
      if (before === undefined || !(error instanceof TimetilesError) || error.kind !== 'unhealthy') throw error;
      context.log.warn(`${error.message}; it was ${before} before the containers were stopped, too. ${error.next}`);
    }
  }
}
