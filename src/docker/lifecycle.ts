import {TimetilesError} from '../shared/errors.ts';
import {waitUntil} from '../shared/wait.ts';
import {atWork, callDocker, dockerError, statusOf, type DockerHandle} from './client.ts';
import {inspectContainer, type Container} from './containers.ts';

/** How long a container may take to stop before Docker kills it. */
const stopGraceSeconds = 30;
/** A container without a health check counts as up once it has run this long. */
const settleMilliseconds = 2000;

/** Stops a container and returns how to start it again. Stopping a stopped one is no error. */
export async function stopContainer(docker: DockerHandle, container: Container): Promise<() => Promise<void>> {
  try {
    await callDocker(atWork(docker), (api) => api.getContainer(container.id).stop({t: stopGraceSeconds}));
  } catch (error) {
    // 304: it was stopped already.
    if (statusOf(error) !== 304) throw dockerError(`stopping the container ${container.name}`, error);
  }
  return () => startContainer(docker, container.id);
}

/** Starts a container by id or name. Starting a running one is no error. */
export async function startContainer(docker: DockerHandle, idOrName: string): Promise<void> {
  try {
    await callDocker(atWork(docker), (api) => api.getContainer(idOrName).start());
  } catch (error) {
    if (statusOf(error) !== 304) throw dockerError(`starting the container ${idOrName}`, error);
  }
}

/**
 * Waits until a container is healthy, or, without a health check, until it has stayed up for two seconds.
 * @param limit milliseconds
 * @throws TimetilesError `unhealthy` when it is not, in time
 */
export async function waitUntilHealthy(docker: DockerHandle, idOrName: string, limit: number): Promise<void> {
  const begin = Date.now();
  let last: Container | undefined;
  const healthy = await waitUntil(
    async () => {
      last = await inspectContainer(docker, idOrName);
      if (!last?.running) return false;
      return last.health === undefined || last.health === 'none' ? Date.now() - begin >= settleMilliseconds : last.health === 'healthy';
    },
    {limit, interval: 250, signal: docker.signal},
  );
  if (healthy) return;
  const name = last?.name ?? idOrName;
  const state = last === undefined ? 'gone' : (last.health ?? last.state);
  throw new TimetilesError('unhealthy', `the container ${name} is ${state} after ${limit / 1000} seconds`, `Look at its log: docker logs --tail 50 ${name}`);
}
