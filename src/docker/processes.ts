import {z} from 'zod';
import {callDocker, dockerError, statusOf, type DockerHandle} from './client.ts';

const answerSchema = z.object({Titles: z.array(z.string()), Processes: z.array(z.array(z.string())).nullable()});

/**
 * The command lines of what runs in a container. Undefined where the engine cannot tell: the container has just ended,
 * or the engine's host has no `ps`.
 */
export async function listProcesses(docker: DockerHandle, container: string): Promise<string[] | undefined> {
  try {
    const answer = answerSchema.parse(await callDocker<unknown>(docker, (api) => api.getContainer(container).top({ps_args: '-eo pid,args'})));
    const column = answer.Titles.findIndex((title) => title === 'COMMAND' || title === 'CMD');
    return column === -1 ? undefined : (answer.Processes ?? []).map((row) => row.slice(column).join(' '));
  } catch (error) {
    if (statusOf(error) !== undefined) return undefined;
    throw dockerError(`looking at what runs in the container ${container}`, error);
  }
}
