import {readdir, realpath, stat} from 'node:fs/promises';
import {sep} from 'node:path';
import {inspectVolume, listContainers, listProjectVolumes, type Container, type Volume} from '../../docker/containers.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {SourceContext} from '../source.ts';
import {findPlace, type FoundPlace} from './find.ts';
import type {FilesHome} from './home.ts';
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

export type FoundUploads =
  | {readonly state: 'found'; readonly location: UploadsLocation; readonly found: Extract<FoundPlace, {state: 'found'}>}
  | Extract<FoundPlace, {state: 'none'}>;

/**
 * Finds the uploads: the directory UPLOAD_HOST_DIR, the volume UPLOADS_VOLUME, or what the project has; see find.ts.
 * @param earlier where a backup had them
 * @throws TimetilesError `volume` that says what there is instead, or why it cannot be read from here; `ambiguous`
 */
export async function locateUploads(context: SourceContext, earlier?: FilesHome): Promise<UploadsLocation> {
  const found = await findUploads(context, earlier);
  if (found.state === 'found') return found.location;
  throw found.error;
}

/** The same where a project without uploads is no error. */
export async function findUploads(context: SourceContext, earlier?: FilesHome): Promise<FoundUploads> {
  const volumeName = context.settings.UPLOADS_VOLUME;
  const hostDirectory = await uploadHostDirectory(context);
  const docker = await context.docker();
  if (hostDirectory !== undefined && volumeName !== undefined) {
    throw new TimetilesError('configuration', 'UPLOAD_HOST_DIR and UPLOADS_VOLUME are both set', 'Keep the one that holds the uploads and remove the other.');
  }
  if (!docker.isLocal) {
    throw new TimetilesError('volume', `Docker runs on another host (${docker.host}); its files cannot be read from here`, 'Run timetiles on that host. The database alone can be saved from here: timetiles backup db');
  }
  const configured = hostDirectory === undefined ? volumeName && {volume: volumeName} : {directory: hostDirectory};
  const found: FoundPlace = configured ? {state: 'found', place: configured, why: undefined, isGuess: false, others: []} : await findPlace(context, docker, earlier);
  if (found.state === 'none') return found;
  const containers = await listContainers(docker);
  if ('directory' in found.place) {
    const {directory: place} = found.place;
    const directory = await requireDirectory(place, `the directory ${place}${hostDirectory === undefined ? '' : ' (UPLOAD_HOST_DIR)'}`);
    return {state: 'found', found, location: {directory, description: `directory ${place}`, home: {directory: place}, users: await usersOfDirectory(containers, directory)}};
  }
  const volume = await findVolume(docker, context, found.place.volume);
  const directory = await requireDirectory(volume.mountpoint, `the volume ${volume.name}`);
  const users = containers.filter((container) => container.mounts.some((mount) => mount.volume === volume.name));
  return {state: 'found', found, location: {directory, description: `volume ${volume.name}`, home: {volume: volume.name, key: volume.key}, users}};
}

/** UPLOADS_VOLUME may be a volume's own name or the one that it has in the compose file. */
async function findVolume(docker: DockerHandle, context: SourceContext, wanted: string): Promise<Volume & {key: string | null}> {
  const {COMPOSE_PROJECT_NAME: project} = context.settings;
  const ofProject = await listProjectVolumes(docker, project);
  const names = [wanted, ...ofProject.filter((volume) => volume.key === wanted).map((volume) => volume.name), `${project}_${wanted}`];
  for (const name of names) {
    const volume = await inspectVolume(docker, name);
    if (volume) return {...volume, key: ofProject.find((candidate) => candidate.name === volume.name)?.key ?? null};
  }
  const others = ofProject.length === 0 ? 'no volumes' : `these volumes: ${ofProject.map((volume) => volume.name).join(', ')}`;
  throw new TimetilesError('volume', `there is no volume ${wanted} (UPLOADS_VOLUME); the project ${project} has ${others}`, 'Name the volume with UPLOADS_VOLUME, or a directory of this host with UPLOAD_HOST_DIR.');
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
