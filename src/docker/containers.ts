import type Dockerode from 'dockerode';
import {callDocker, dockerError, statusOf, type DockerHandle} from './client.ts';

/** The labels by which compose knows what is its own. */
export const composeLabels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  oneOff: 'com.docker.compose.oneoff',
  volume: 'com.docker.compose.volume',
  number: 'com.docker.compose.container-number',
  hash: 'com.docker.compose.config-hash',
  directory: 'com.docker.compose.project.working_dir',
  files: 'com.docker.compose.project.config_files',
} as const;

/** The labels of what `docker stack deploy` and `docker service create` made. */
export const swarmLabels = {
  stack: 'com.docker.stack.namespace',
  service: 'com.docker.swarm.service.name',
} as const;

export interface Mount {
  readonly type: string;
  /** The volume's name; undefined for a bind mount. */
  readonly volume: string | undefined;
  /** The directory on the engine's host. */
  readonly source: string;
  /** The directory in the container. */
  readonly destination: string;
  /** Whether the container may write there. */
  readonly writable: boolean;
}

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** As Docker says it: running, exited, paused, … */
  readonly state: string;
  readonly service: string | undefined;
  readonly project: string | undefined;
  readonly image: string;
  readonly imageId: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** What it runs, the entrypoint first. */
  readonly command: readonly string[];
  /** Where that runs. */
  readonly workingDirectory: string;
  /** The ports that the image exposes or the container publishes. */
  readonly ports: readonly number[];
  /** Undefined when the image has no health check. */
  readonly health: string | undefined;
  /** When it was started last; milliseconds. */
  readonly startedAt: number;
  /** When it ended last; milliseconds, long ago for one that never did. */
  readonly endedAt: number;
  /** Whether 127.0.0.1 in it is not its own alone: it shares the host's network, or another container's. */
  readonly sharesNetwork: boolean;
  /** Published TCP ports: the one in the container by the one on the host. */
  readonly publishedPorts: Readonly<Record<string, string>>;
}

export interface Volume {
  readonly name: string;
  readonly mountpoint: string;
  readonly driver: string;
}

/** Compose puts the project in front of every name: `shop-postgres-1` as `new-postgres-1`; another name stays. Pure. */
export function renameForProject(name: string, from: string, to: string): string {
  const rest = name.startsWith(from) ? name.slice(from.length) : '';
  return rest.startsWith('-') || rest.startsWith('_') ? `${to}${rest}` : name;
}

/** Every container of a compose project, stopped ones too; one-off runs (`docker compose run`) are none of its services. */
export async function listProject(docker: DockerHandle, project: string): Promise<Container[]> {
  const summaries = await callDocker(docker, (api) => api.listContainers({all: true, filters: {label: [`${composeLabels.project}=${project}`]}}));
  return inspectAll(docker, summaries.filter((summary) => summary.Labels[composeLabels.oneOff] !== 'True'));
}

/** Every container of a compose project or of a swarm stack of that name, stopped ones too; one-off runs are none of its services. */
export async function listMembers(docker: DockerHandle, name: string): Promise<Container[]> {
  const summaries = await callDocker(docker, (api) => api.listContainers({all: true}));
  return inspectAll(docker, summaries.filter(({Labels: labels}) => labels[composeLabels.oneOff] !== 'True' && groupOf(labels) === name));
}

/** The compose project or the swarm stack that a container belongs to; undefined for one that was started by itself. Pure. */
export function groupOf(labels: Readonly<Record<string, string>>): string | undefined {
  return labels[composeLabels.project] ?? labels[swarmLabels.stack];
}

/** The name that a container's service has in its compose file, also where swarm put the stack in front of it. Pure. */
function serviceOf(labels: Readonly<Record<string, string>>): string | undefined {
  const full = labels[swarmLabels.service];
  const stack = labels[swarmLabels.stack];
  const short = full !== undefined && stack !== undefined && full.startsWith(`${stack}_`) ? full.slice(stack.length + 1) : full;
  return labels[composeLabels.service] ?? short;
}

/** Every container of the engine. */
export async function listContainers(docker: DockerHandle): Promise<Container[]> {
  return inspectAll(docker, await callDocker(docker, (api) => api.listContainers({all: true})));
}

/** One container by id or name, undefined when there is none. */
export async function inspectContainer(docker: DockerHandle, idOrName: string): Promise<Container | undefined> {
  try {
    return toContainer(await callDocker(docker, (api) => api.getContainer(idOrName).inspect()));
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw dockerError(`looking at the container ${idOrName}`, error);
  }
}

export async function inspectVolume(docker: DockerHandle, name: string): Promise<Volume | undefined> {
  try {
    const volume = await callDocker(docker, (api) => api.getVolume(name).inspect());
    return {name: volume.Name, mountpoint: volume.Mountpoint, driver: volume.Driver};
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw dockerError(`looking at the volume ${name}`, error);
  }
}

/** The volumes that compose made for a project, by the name they have in its file. */
export async function listProjectVolumes(docker: DockerHandle, project: string): Promise<{name: string; key: string}[]> {
  const filters = {label: [`${composeLabels.project}=${project}`]};
  const {Volumes} = await callDocker(docker, (api) => api.listVolumes({filters}));
  const volumes = (Volumes ?? []).map((volume) => ({name: volume.Name, key: volume.Labels?.[composeLabels.volume] ?? ''}));
  // Docker lists them in another order each time.
  return volumes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Those that are removed meanwhile are left out. */
async function inspectAll(docker: DockerHandle, summaries: readonly Dockerode.ContainerInfo[]): Promise<Container[]> {
  const containers = await Promise.all(summaries.map((summary) => inspectContainer(docker, summary.Id)));
  return containers.filter((container) => container !== undefined);
}

function toContainer(inspected: Dockerode.ContainerInspectInfo): Container {
  const environment = Object.fromEntries(
    (inspected.Config.Env ?? []).map((entry) => {
      const equals = entry.indexOf('=');
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
  return {
    id: inspected.Id,
    name: inspected.Name.replace(/^\//, ''),
    running: inspected.State.Running && !inspected.State.Paused,
    state: inspected.State.Status,
    service: serviceOf(inspected.Config.Labels ?? {}),
    project: inspected.Config.Labels?.[composeLabels.project],
    image: inspected.Config.Image,
    imageId: inspected.Image,
    environment,
    labels: inspected.Config.Labels ?? {},
    mounts: inspected.Mounts.map((mount) => ({
      type: mount.Type,
      volume: mount.Name,
      source: mount.Source,
      destination: mount.Destination,
      writable: mount.RW,
    })),
    command: [inspected.Path, ...inspected.Args],
    workingDirectory: inspected.Config.WorkingDir === '' ? '/' : inspected.Config.WorkingDir,
    ports: Object.keys(inspected.Config.ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10)),
    health: inspected.State.Health?.Status,
    startedAt: Date.parse(inspected.State.StartedAt),
    endedAt: Date.parse(inspected.State.FinishedAt),
    sharesNetwork: /^(host$|container:)/.test(inspected.HostConfig.NetworkMode ?? ''),
    publishedPorts: publishedPorts(inspected.NetworkSettings.Ports ?? {}),
  };
}

function publishedPorts(bindings: Dockerode.ContainerInspectInfo['NetworkSettings']['Ports']): Record<string, string> {
  const entries = Object.entries(bindings).filter(([port]) => port.endsWith('/tcp'));
  return Object.fromEntries(entries.flatMap(([port, hosts]) => (hosts ?? []).map(({HostPort}) => [HostPort, port.slice(0, -'/tcp'.length)])));
}
