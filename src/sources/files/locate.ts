import {readdir, realpath, stat} from 'node:fs/promises';
import {basename, dirname, sep} from 'node:path';
import {inspectVolume, listContainers, listProjectVolumes, type Container, type Volume} from '../../docker/containers.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {meansDenied, meansMissing, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {SourceContext} from '../source.ts';
import {findPlace, type FoundPlace} from './find.ts';
import type {FilesHome} from './home.ts';
import {uploadHostDirectory} from './host-path.ts';
import {futureVolume, missingDirectory, missingVolume, namedVolume, realpathOfMissing, requireEngineHere, type MissingPlace} from './missing.ts';

const ifLost = 'If it is lost: timetiles restore latest --only uploads, which makes it anew.';

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
  | {
      readonly state: 'found';
      readonly location: UploadsLocation;
      readonly found: Extract<FoundPlace, {state: 'found'}>;
      /** What has to be made first; only where that was asked for. */
      readonly missing: MissingPlace | undefined;
    }
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

/**
 * The same where a project without uploads is no error.
 * @param mayBeMissing a place that is known, but not there, is found too
 */
export async function findUploads(context: SourceContext, earlier?: FilesHome, {mayBeMissing = false} = {}): Promise<FoundUploads> {
  const {UPLOADS_VOLUME: volumeName, COMPOSE_PROJECT_NAME: project} = context.settings;
  const hostDirectory = await uploadHostDirectory(context);
  const docker = await context.docker();
  if (hostDirectory !== undefined && volumeName !== undefined) {
    throw new TimetilesError('configuration', 'UPLOAD_HOST_DIR and UPLOADS_VOLUME are both set', 'Keep the one that holds the uploads and remove the other.');
  }
  if (!docker.isLocal) {
    throw new TimetilesError('volume', `Docker runs on another host (${docker.host}); its files cannot be read from here`, 'Run timetiles on that host. The database alone can be saved from here: timetiles backup db');
  }
  const configured = hostDirectory === undefined ? volumeName && {volume: volumeName} : {directory: hostDirectory};
  const found: FoundPlace = configured ? {state: 'found', place: configured, why: undefined, isGuess: false, others: []} : await findPlace(context, docker, {earlier, mayBeMissing});
  if (found.state === 'none') return found;
  const {location, missing} = 'directory' in found.place
    ? await locateDirectory(docker, found.place.directory, hostDirectory === undefined ? '' : ' (UPLOAD_HOST_DIR)')
    : await locateVolume(docker, project, {wanted: found.place.volume, earlier});
  if (missing && !mayBeMissing) throw missing.error;
  if (missing) await requireEngineHere(docker, `the ${location.description}`);
  return {state: 'found', found, location, missing: missing?.place};
}

/**
 * What a directory is to the containers, whatever the configuration says by now: for data that a restore has put there. Who
 * mounts Docker's own directories, as a backup in a container does, does not use the volumes in them.
 */
export async function locateLive(context: SourceContext, directory: string): Promise<Pick<UploadsLocation, 'description' | 'users'>> {
  const docker = await context.docker();
  const containers = await listContainers(docker);
  const volume = await volumeAt(docker, containers, directory);
  if (volume === undefined) return {description: `directory ${directory}`, users: await usersOfDirectory(containers, directory)};
  return {description: `volume ${volume}`, users: usersOfVolume(containers, volume)};
}

/** The volume whose data a directory is, whether or not something mounts it. */
async function volumeAt(docker: DockerHandle, containers: readonly Container[], directory: string): Promise<string | undefined> {
  const isIt = async (path: string) => (await realpathOfMissing(path).catch(() => path)) === directory;
  for (const {volume, source} of containers.flatMap(({mounts}) => mounts)) if (volume !== undefined && (await isIt(source))) return volume;
  const unused = basename(directory) === '_data' ? await inspectVolume(docker, basename(dirname(directory))) : undefined;
  return unused && (await isIt(unused.mountpoint)) ? unused.name : undefined;
}

interface Located {
  readonly location: UploadsLocation;
  /** Why there is nothing to read yet, and what makes it. */
  readonly missing: {readonly error: TimetilesError; readonly place: MissingPlace} | undefined;
}

async function locateDirectory(docker: DockerHandle, place: string, origin: string): Promise<Located> {
  const {directory, error} = await lookAt(place, `the directory ${place}${origin}`);
  const users = await usersOfDirectory(await listContainers(docker), directory);
  return {location: {directory, description: `directory ${place}`, home: {directory: place}, users}, missing: error && {error, place: missingDirectory(directory)}};
}

async function locateVolume(docker: DockerHandle, project: string, {wanted, earlier}: {wanted: string; earlier: FilesHome | undefined}): Promise<Located> {
  const ofProject = await listProjectVolumes(docker, project);
  const volume = await findVolume(docker, wanted, project, ofProject);
  if (!volume) {
    const {name, key} = namedVolume(wanted, project, earlier);
    const {mountpoint} = await futureVolume(docker, name);
    const place = missingVolume(docker, {name, key, project});
    return {location: {directory: mountpoint, description: `volume ${name}`, home: {volume: name, key: key ?? null}, users: []}, missing: {error: noSuchVolume(wanted, project, ofProject), place}};
  }
  const {directory, error} = await lookAt(volume.mountpoint, `the volume ${volume.name}`);
  const users = usersOfVolume(await listContainers(docker), volume.name);
  const place = missingDirectory(directory, `the directory of the volume ${volume.name}`);
  return {location: {directory, description: `volume ${volume.name}`, home: {volume: volume.name, key: volume.key}, users}, missing: error && {error, place}};
}

type ProjectVolumes = Awaited<ReturnType<typeof listProjectVolumes>>;

/** UPLOADS_VOLUME may be a volume's own name or the one that it has in the compose file. */
async function findVolume(docker: DockerHandle, wanted: string, project: string, ofProject: ProjectVolumes): Promise<(Volume & {key: string | null}) | undefined> {
  const names = [wanted, ...ofProject.filter((volume) => volume.key === wanted).map((volume) => volume.name), `${project}_${wanted}`];
  for (const name of names) {
    const volume = await inspectVolume(docker, name);
    if (volume) return {...volume, key: ofProject.find((candidate) => candidate.name === volume.name)?.key ?? null};
  }
  return undefined;
}

function noSuchVolume(wanted: string, project: string, ofProject: ProjectVolumes): TimetilesError {
  const others = ofProject.length === 0 ? 'no volumes' : `these volumes: ${ofProject.map((volume) => volume.name).join(', ')}`;
  return new TimetilesError('volume', `there is no volume ${wanted} (UPLOADS_VOLUME); the project ${project} has ${others}`, `Name the volume with UPLOADS_VOLUME, or a directory of this host with UPLOAD_HOST_DIR. ${ifLost}`);
}

/** The directory without links, and the error where nothing is there. */
async function lookAt(path: string, what: string): Promise<{directory: string; error?: TimetilesError}> {
  try {
    const real = await realpath(path);
    if (!(await stat(real)).isDirectory()) throw new TimetilesError('volume', `${what} is no directory`, 'Name the directory that holds the uploads.');
    await readdir(real);
    return {directory: real};
  } catch (error) {
    if (meansDenied(error)) {
      throw new TimetilesError('permission', `this user may not read ${what} at ${path}`, `Run the command as root: sudo timetiles … (or the database alone: timetiles backup db)`, {cause: error});
    }
    if (!meansMissing(error)) throw error;
    const next = `Check that it exists (ls ${shellWord(path)}). If Docker runs in a virtual machine or container, run timetiles where Docker runs. ${ifLost}`;
    return {directory: await realpathOfMissing(path), error: new TimetilesError('volume', `${what} has no directory ${path} on this host`, next, {cause: error})};
  }
}

function usersOfVolume(containers: readonly Container[], name: string): Container[] {
  return containers.filter(({mounts}) => mounts.some(({volume}) => volume === name));
}

/** Containers that mount the directory, a directory above it or one below it. Whoever only looks at all of the host, as a monitor does, uses none of it. */
async function usersOfDirectory(containers: readonly Container[], directory: string): Promise<Container[]> {
  const users: Container[] = [];
  for (const container of containers) {
    for (const mount of container.mounts) {
      const source = await realpathOfMissing(mount.source).catch(() => mount.source);
      const isLooker = source !== directory && isInside(directory, source) && !mount.writable;
      if (isLooker || (!isInside(directory, source) && !isInside(source, directory))) continue;
      users.push(container);
      break;
    }
  }
  return users;
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
