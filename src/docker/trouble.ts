import {z} from 'zod';
import {TimetilesError} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {callDocker, type DockerHandle} from './client.ts';
import {inspectContainer, type Container} from './containers.ts';

/** Why nothing can be done in a container, with what to do about it; undefined for one that runs. Pure. */
export function troubleOf(container: Container | undefined, known: Pick<Container, 'name'>): TimetilesError | undefined {
  // One that Docker starts again and again counts as running in between.
  if (container?.running && container.state !== 'restarting') return undefined;
  const name = shellWord(known.name);
  if (!container) return new TimetilesError('container', `the container ${known.name} has been removed`, 'Make it again: docker compose up -d');
  const remedies: Readonly<Record<string, string>> = {
    paused: `Let it run on: docker unpause ${name}`,
    restarting: `Docker starts it again and again. Its log says why it ends: docker logs --tail 50 ${name}`,
    dead: `Docker could not remove it. Try again: docker rm --force ${name}; then docker compose up -d`,
    removing: 'Start it again once it is removed: docker compose up -d',
  };
  return new TimetilesError('container', `the container ${container.name} is ${container.state}`, remedies[container.state] ?? `Start it: docker start ${name}`);
}

/** The same for one that was running before, and may have been started anew since, or whose engine may have gone. */
export async function findTrouble(docker: DockerHandle, before: Pick<Container, 'id' | 'name' | 'startedAt'>): Promise<TimetilesError | undefined> {
  try {
    const now = await inspectContainer(docker, before.id);
    return troubleOf(now, before) ?? restarted(now, before) ?? (await troubleOfRuntime(docker));
  } catch (error) {
    docker.signal?.throwIfAborted();
    if (error instanceof TimetilesError) return error;
    throw error;
  }
}

function restarted(now: Container | undefined, before: Pick<Container, 'name' | 'startedAt'>): TimetilesError | undefined {
  if (now?.startedAt === before.startedAt) return undefined;
  return new TimetilesError('container', `the container ${before.name} was restarted meanwhile`, `Its log may say why: docker logs --tail 50 ${shellWord(before.name)}. Then run the command again.`);
}

const infoSchema = z.object({ContainerdCommit: z.object({ID: z.string()}).optional()});

/** containerd has every process of every container in its hands; without it the engine still answers, but starts none and hears of no end. */
async function troubleOfRuntime(docker: DockerHandle): Promise<TimetilesError | undefined> {
  const info: unknown = await callDocker(docker, (api) => api.info());
  if (infoSchema.safeParse(info).data?.ContainerdCommit?.ID !== 'N/A') return undefined;
  return new TimetilesError('docker', `containerd, by which Docker at ${docker.host} runs its containers, does not answer`, 'Start it again: systemctl restart containerd');
}
