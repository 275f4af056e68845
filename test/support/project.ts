import {docker, dockerLines} from './docker.ts';
import {waitUntil} from './processes.ts';

/** Compose's labels, by which everybody knows whose a container is. */
export const projectLabel = 'com.docker.compose.project';
export const serviceLabel = 'com.docker.compose.service';

/** Service name and state of every container of a project, sorted: `postgres running`. */
export async function statesOf(dockerHost: string, project: string): Promise<string[]> {
  const format = `{{.Label "${serviceLabel}"}} {{.State}}`;
  return (await dockerLines(dockerHost, ['ps', '--all', ...ofProject(project), '--format', format])).toSorted();
}

/** The names of the containers of one service. */
export function containersOf(dockerHost: string, project: string, service: string): Promise<string[]> {
  return dockerLines(dockerHost, ['ps', '--all', ...ofProject(project), '--filter', `label=${serviceLabel}=${service}`, '--format', '{{.Names}}']);
}

/** Waits until every container of a project runs, and those that have a health check are healthy. */
export async function waitHealthy(dockerHost: string, project: string, limitSeconds: number): Promise<void> {
  let states: string[] = [];
  const isWell = (line: string) => / Up /.test(line) && !/\((unhealthy|health: starting|Paused)\)/.test(line);
  const healthy = await waitUntil(
    async () => {
      states = await dockerLines(dockerHost, ['ps', '--all', ...ofProject(project), '--format', '{{.Names}} {{.Status}}']);
      return states.length > 0 && states.every(isWell);
    },
    limitSeconds * 1000,
    100,
  );
  if (healthy) return;
  const logs = await Promise.all(
    states.filter((line) => !isWell(line)).map(async (line) => {
      const name = line.split(' ', 1)[0] ?? '';
      const log = await docker(dockerHost, ['logs', '--tail', '15', name], {mayFail: true});
      return `${name}:\n${log.stdout}${log.stderr}`;
    }),
  );
  throw new Error(`Not every container of ${project} is healthy after ${limitSeconds} s:\n${states.join('\n')}\n${logs.join('\n')}`);
}

/** Removes containers, volumes and networks of a project. */
export async function removeProject(dockerHost: string, project: string): Promise<void> {
  const containers = await dockerLines(dockerHost, ['ps', '--all', '--quiet', ...ofProject(project)]);
  if (containers.length > 0) await docker(dockerHost, ['rm', '--force', '--volumes', ...containers]);
  for (const kind of ['volume', 'network']) {
    const things = await dockerLines(dockerHost, [kind, 'ls', '--quiet', ...ofProject(project)]);
    if (things.length > 0) await docker(dockerHost, [kind, 'rm', ...things]);
  }
}

function ofProject(project: string): string[] {
  return ['--filter', `label=${projectLabel}=${project}`];
}
