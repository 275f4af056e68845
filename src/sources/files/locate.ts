import {readdir, realpath, stat} from 'node:fs/promises';
import {sep} from 'node:path';
import {inspectVolume, listContainers, listProjectVolumes, type Container, type Volume} from '../../docker/containers.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {SourceContext} from '../source.ts';
import {uploadHostDirectory} from './host-path.ts';

export interface UploadsLocation {
  /** The directory on this host whose content is the uploads. */
  readonly directory: string;
  /** Such as `volume shop_uploads`. */
  readonly description: string;
  /** The same for the manifest: the directory, or the volume with its name in the compose file. */
  readonly home: {readonly volume: string; readonly key: string | null} | {readonly directory: string};
  /** Every container, running or not, that mounts it. */
  readonly users: readonly Container[];
}

/**
 * Finds the uploads: the directory UPLOAD_HOST_DIR, the volume UPLOADS_VOLUME, or the volume `uploads` of the project.
 * @throws TimetilesError `volume` that says what there is instead, or why it cannot be read from here
 */
export async function locateUploads(context: SourceContext): Promise<UploadsLocation> {
  const volumeName = context.settings.UPLOADS_VOLUME;
  const hostDirectory = await uploadHostDirectory(context);
  const docker = await context.docker();
  if (hostDirectory !== undefined && volumeName !== undefined) {
    throw new TimetilesError('configuration', 'UPLOAD_HOST_DIR and UPLOADS_VOLUME are both set', 'Keep the one that holds the uploads and remove the other.');
  }
  if (!docker.isLocal) {
    throw new TimetilesError('volume', `Docker runs on another host (${docker.host}); its files cannot be read from here`, 'Run timetiles on that host. The database alone can be saved from here: timetiles backup db');
  }
  const containers = await listContainers(docker);
  if (hostDirectory !== undefined) {
    const directory = await requireDirectory(hostDirectory, `the directory ${hostDirectory} (UPLOAD_HOST_DIR)`);
    return {directory, description: `directory ${hostDirectory}`, home: {directory: hostDirectory}, users: await usersOfDirectory(containers, directory)};
  }
  const volume = await findVolume(docker, context);
  const directory = await requireDirectory(volume.mountpoint, `the volume ${volume.name}`);
  const users = containers.filter((container) => container.mounts.some((mount) => mount.volume === volume.name));
  return {directory, description: `volume ${volume.name}`, home: {volume: volume.name, key: volume.key}, users};
}

async function findVolume(docker: DockerHandle, context: SourceContext): Promise<Volume & {key: string | null}> {
  const {UPLOADS_VOLUME: wanted, COMPOSE_PROJECT_NAME: project} = context.settings;
  const ofProject = await listProjectVolumes(docker, project);
  const key = wanted ?? 'uploads';
  const names = [...(wanted === undefined ? [] : [wanted]), ...ofProject.filter((volume) => volume.key === key).map((volume) => volume.name), `${project}_${key}`];
  for (const name of names) {
    const volume = await inspectVolume(docker, name);
    if (volume) return {...volume, key: ofProject.find((candidate) => candidate.name === volume.name)?.key ?? null};
  }
  const others = ofProject.length === 0 ? 'no volumes' : `these volumes: ${ofProject.map((volume) => volume.name).join(', ')}`;
  throw new TimetilesError(
    'volume',
    wanted === undefined ? `the project ${project} has no volume uploads; it has ${others}` : `there is no volume ${wanted} (UPLOADS_VOLUME); the project ${project} has ${others}`,
    'Name the volume with UPLOADS_VOLUME, or a directory of this host with UPLOAD_HOST_DIR.',
  );
}

async function requireDirectory(path: string, what: string): Promise<string> {
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) throw new TimetilesError('volume', `${what} is no directory`, 'Name the directory that holds the uploads.');
    await readdir(real);
    return real;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new TimetilesError('permission', `this user may not read ${what} at ${path}`, `Run the command as root: sudo timetiles … (or the database alone: timetiles backup db)`, {cause: error});
    }
    if (code === 'ENOENT') {
      throw new TimetilesError(
        'volume',
        `${what} has no directory ${path} on this host`,
        `Check that it exists (ls ${shellWord(path)}). If Docker runs in a virtual machine or container, run timetiles where Docker runs.`,
        {cause: error},
      );
    }
    throw error;
  }
}

/** Containers that mount the directory, a directory above it or one below it. */
async function usersOfDirectory(containers: readonly Container[], directory: string): Promise<Container[]> {
  const users: Container[] = [];
  for (const container of containers) {
    for (const mount of container.mounts) {
      const source = await realpath(mount.source).catch(() => mount.source);
      if (!isInside(directory, source) && !isInside(source, directory)) continue;
      users.push(container);
      break;
    }
  }
  return users;
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
