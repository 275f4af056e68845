import type Dockerode from 'dockerode';
import {callDocker, dockerError, statusOf, type DockerHandle} from './client.ts';

const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  oneOff: 'com.docker.compose.oneoff',
  volume: 'com.docker.compose.volume',
} as const;

interface Mount {
  readonly type: string;
  /** The volume's name; undefined for a bind mount. */
  readonly volume: string | undefined;
  /** The directory on the engine's host. */
  readonly source: string;
  /** The directory in the container. */
  readonly destination: string;
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
  readonly mounts: readonly Mount[];
  /** Undefined when the image has no health check. */
  readonly health: string | undefined;
}

export interface Volume {
  readonly name: string;
  readonly mountpoint: string;
  readonly driver: string;
}

/** Every container of a compose project, stopped ones too; one-off runs (`docker compose run`) are none of its services. */
export async function listProject(docker: DockerHandle, project: string): Promise<Container[]> {
  const summaries = await callDocker(docker, (api) => api.listContainers({all: true, filters: {label: [`${labels.project}=${project}`]}}));
  return inspectAll(docker, summaries.filter((summary) => summary.Labels[labels.oneOff] !== 'True'));
}

/** The names of all compose projects of this engine. */
export async function listProjectNames(docker: DockerHandle): Promise<string[]> {
  const all = await callDocker(docker, (api) => api.listContainers({all: true}));
  return [...new Set(all.flatMap((summary) => summary.Labels[labels.project] ?? []))].toSorted();
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
  const filters = {label: [`${labels.project}=${project}`]};
  const {Volumes} = await callDocker(docker, (api) => api.listVolumes({filters}));
  const volumes = (Volumes ?? []).map((volume) => ({name: volume.Name, key: volume.Labels?.[labels.volume] ?? ''}));
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
    service: inspected.Config.Labels?.[labels.service],
    project: inspected.Config.Labels?.[labels.project],
    image: inspected.Config.Image,
    imageId: inspected.Image,
    environment,
    mounts: inspected.Mounts.map((mount) => ({
      type: mount.Type,
      volume: mount.Name,
      source: mount.Source,
      destination: mount.Destination,
    })),
    health: inspected.State.Health?.Status,
  };
}
