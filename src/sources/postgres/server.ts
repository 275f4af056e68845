import {randomBytes} from 'node:crypto';
import {mkdir, readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import type {Settings} from '../../config/settings.ts';
import type {DockerHandle} from '../../docker/client.ts';
import {composeLabels, inspectVolume, renameForProject, type Container} from '../../docker/containers.ts';
import {createContainer, createVolume, type Image} from '../../docker/create.ts';
import {startContainer} from '../../docker/lifecycle.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import type {DatabaseDetails, DatabaseHome} from './facts.ts';

/**
 * The first superuser of a server that this tool makes. A name of its own, so that all roles of the set, the old first
 * superuser among them, come back by the ordinary restore with the passwords they had.
 */
const firstSuperuser = 'timetiles_dr';
/** Also for an index that is built by several workers. */
const sharedMemory = 256 * 1024 * 1024;

/**
 * The settings to log in with: a server that this tool made has its own first superuser, and none of the roles that the
 * configuration may name until the set is restored.
 */
export function loginSettings(settings: Settings, {environment}: Pick<Container, 'environment'>): Settings {
  return environment['POSTGRES_USER'] === firstSuperuser ? {...settings, DB_USER: undefined, DB_PASSWORD: undefined} : settings;
}

export interface ServerRequest {
  readonly name: string;
  readonly project: string;
  /** The project that the set is of. */
  readonly origin: string;
  readonly image: Image;
  readonly details: DatabaseDetails;
  readonly home: DatabaseHome;
}

/** A container that can be made; nothing of it is there, or is without data. */
export interface ServerPlan extends ServerRequest {
  /** Such as `volume shop_postgres`. */
  readonly volumes: readonly string[];
  readonly named: readonly {readonly name: string; readonly key: string | null; readonly destination: string}[];
  /** Directory on the host by the directory in the container. */
  readonly binds: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

/**
 * Plans a server on the volumes that the old one had.
 * @throws TimetilesError `container` when one of them holds a database already
 */
export async function planServer(docker: DockerHandle, request: ServerRequest): Promise<ServerPlan> {
  const {home, origin, project} = request;
  const mounts = home.mounts.filter(({type, source}) => type === 'volume' && !/^[0-9a-f]{64}$/.test(source));
  const named = mounts.map(({source, key, destination}) => ({name: renameForProject(source, origin, project), key, destination}));
  const data = home.mounts.filter(({type, holdsData}) => type === 'bind' && holdsData);
  const left = home.mounts.filter((mount) => mount.type === 'bind' && !mount.holdsData);
  const volumes: string[] = [];
  for (const {name} of named) {
    const volume = await inspectVolume(docker, name);
    if (!volume) volumes.push(`volume ${name}`);
    else if (await holdsDatabase(volume.mountpoint)) throw occupied(`volume ${name}`, home, `docker volume rm ${name}`);
  }
  for (const {source} of data) if (await holdsDatabase(source)) throw occupied(`directory ${source}`, home, 'move it away');
  return {
    ...request,
    named,
    volumes: [...volumes, ...data.map(({source}) => `directory ${source}`)],
    binds: Object.fromEntries(data.map(({source, destination}) => [destination, source])),
    warnings: left.map(({source, destination}) => `the new container goes without ${source} at ${destination}; compose brings it back`),
  };
}

function occupied(what: string, home: DatabaseHome, removal: string): TimetilesError {
  return new TimetilesError('container', `the ${what} holds a database already, but no container uses it`, `Start what it belongs to (docker compose up -d ${home.service ?? 'postgres'}), then run the same command again. If nothing in it is wanted: ${removal}`);
}

/** Every image keeps its cluster at most so deep below the mount point. */
async function holdsDatabase(directory: string, depth = 3): Promise<boolean> {
  const entries = await readdir(directory, {withFileTypes: true}).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  if (entries.some(({name}) => name === 'PG_VERSION')) return true;
  if (depth === 0) return false;
  for (const entry of entries) if (entry.isDirectory() && (await holdsDatabase(join(directory, entry.name), depth - 1))) return true;
  return false;
}

/** Makes volumes and container with compose's labels, so that `docker compose up -d` takes them over, and starts it. */
export async function createServer(docker: DockerHandle, plan: ServerPlan, database: string): Promise<void> {
  const project = {[composeLabels.project]: plan.project};
  for (const {name, key} of plan.named) await createVolume(docker, name, key === null ? {} : {...project, [composeLabels.volume]: key});
  for (const directory of Object.values(plan.binds)) await mkdir(directory, {recursive: true});
  const {home, details} = plan;
  const id = await createContainer(docker, {
    name: plan.name,
    image: plan.image.id,
    labels: serverLabels(plan.project, home),
    environment: serverEnvironment(details, home, database, randomBytes(24).toString('base64url')),
    volumes: Object.fromEntries(plan.named.map(({name, destination}) => [destination, name])),
    binds: plan.binds,
    command: serverCommand(details, plan.image),
    network: 'none',
    shm: sharedMemory,
  });
  await startContainer(docker, id);
}

/**
 * By these compose takes the container for its own, and since no configuration has such a hash, replaces it by one after its
 * file. One without a hash it does not even see, and stops at the name that is in use. A volume gets none: compose would ask
 * whether to delete one with another hash than its own. Pure.
 */
export function serverLabels(project: string, {service}: Pick<DatabaseHome, 'service'>): Record<string, string> {
  return {
    [composeLabels.project]: project,
    [composeLabels.oneOff]: 'False',
    [composeLabels.number]: '1',
    [composeLabels.hash]: 'made by timetiles',
    ...(service !== null && {[composeLabels.service]: service}),
  };
}

/**
 * The image's own command, with the libraries that have to be loaded with the server. Only an image whose command is the
 * server itself is known to hand its words on to it; others end of such a word, or run it instead of the server. Another
 * image than the set was made with may not have the libraries, and would not start. Pure.
 */
export function serverCommand(details: DatabaseDetails | undefined, {id, command}: Pick<Image, 'id' | 'command'>): string[] | undefined {
  const preload = details?.server.preload ?? '';
  const isServer = ['postgres', 'postmaster'].includes(basename(command[0] ?? ''));
  return preload === '' || !isServer || id !== details?.image.id ? undefined : [...command, '-c', `shared_preload_libraries=${preload}`];
}

/** In the names of every kind of image: an app may set those of several, so that what it sets does not tell which one counts. Pure. */
export function passwordVariables(password: string): Record<string, string> {
  return {POSTGRES_PASSWORD: password, POSTGRES_PASS: password};
}

/** Pure. */
export function serverEnvironment(details: DatabaseDetails, home: DatabaseHome, database: string, password: string): Record<string, string> {
  const usesMd5 = details.roles.some((role) => role.password?.startsWith('md5'));
  return {
    POSTGRES_USER: firstSuperuser,
    POSTGRES_DB: database,
    POSTGRES_DBNAME: database,
    ...passwordVariables(password),
    ...(home.dataDirectory !== null && {PGDATA: home.dataDirectory, DATADIR: home.dataDirectory}),
    // A server that demands SCRAM would turn the old passwords away; this method takes both.
    ...(usesMd5 && {POSTGRES_HOST_AUTH_METHOD: 'md5'}),
  };
}
