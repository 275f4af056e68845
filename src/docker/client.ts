import {existsSync, readdirSync} from 'node:fs';
import {homedir, hostname, release} from 'node:os';
import type Dockerode from 'dockerode';
import {z} from 'zod';
import {meansDenied, messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {baseEnvironment} from '../process/environment.ts';
import {connectionAgent, connectionOptions} from './connection-options.ts';
import {defaultHost, findEndpoint, type Endpoint} from './endpoint.ts';

/** A connection for one call. */
interface Line {
  readonly api: Dockerode;
  /** Ends the call: dockerode cannot, and a call that nobody waits for any more would keep this process alive. */
  hangUp(): void;
}

/** The connection to one Docker engine, for the API and for the docker program alike. */
export interface DockerHandle {
  readonly open: () => Line;
  /** What is known of the engine, in common for all copies of this handle. */
  readonly engine: {isSilent: boolean};
  /** Such as `unix:///var/run/docker.sock`. */
  readonly host: string;
  /** What names it, in words: DOCKER_HOST, a context, or the default. */
  readonly origin: string;
  /** The environment of the docker program: the same engine, whatever its contexts say. */
  readonly environment: Readonly<Record<string, string>>;
  /** False when the engine's files are on another machine. */
  readonly isLocal: boolean;
  readonly signal?: AbortSignal | undefined;
  /** How long one call may take, in milliseconds; default: as long as a question may. */
  readonly limit?: number;
}

/** A living engine answers a question at once; milliseconds. */
const questionLimit = 60_000;
/** What an engine may take to stop, to start or to remove something; milliseconds. */
const workLimit = 180_000;
/** Of an engine that has not answered in time, further answers are not waited for as long; milliseconds. */
const silentLimit = 10_000;

/** The same engine for calls that make it do something, which takes longer than an answer. */
export function atWork(docker: DockerHandle): DockerHandle {
  return {...docker, limit: workLimit};
}

/**
 * Prepares the connection to the engine that `docker ps` would use. Nothing is sent yet, unless a TCP port of this host has to be asked
 * whose it is. Many commands need no dockerode, so it is imported here.
 * @throws TimetilesError `docker` when the engine is named in a way that leads nowhere
 */
export async function connectDocker(environment: Readonly<Record<string, string | undefined>>, signal?: AbortSignal): Promise<DockerHandle> {
  const endpoint = findEndpoint(environment);
  const {default: Docker} = await import('dockerode');
  const {host, origin} = endpoint;
  const isSocket = host.startsWith('unix://');
  const options = {...connectionOptions(endpoint), timeout: workLimit};
  const open = () => {
    const agent = connectionAgent(endpoint);
    return {api: new Docker({...options, ...(agent && {agent})}), hangUp: () => agent?.destroy()};
  };
  const handle: DockerHandle = {open, engine: {isSilent: false}, host, origin, environment: programEnvironment(endpoint, environment), isLocal: isSocket, signal};
  return isSocket || !isLoopback(host) ? handle : {...handle, isLocal: await isThisHost(handle)};
}

/** The environment of the docker program. */
function programEnvironment({host, context, tls}: Endpoint, environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const names = ['DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS', 'DOCKER_TLS_VERIFY', 'DOCKER_API_VERSION'];
  const kept = Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  // Only by the context does it find that context's certificates.
  const engine = context !== undefined && tls ? {DOCKER_CONTEXT: context} : {DOCKER_HOST: host};
  return {...baseEnvironment(), ...kept, ...engine};
}

function isLoopback(host: string): boolean {
  return /^tcp:\/\/(localhost|127(\.\d+){3}|\[::1\]):/.test(host);
}

/** A port of this host may lead into a tunnel: only an engine that runs under this host's own name and kernel has its files here. */
async function isThisHost(docker: DockerHandle): Promise<boolean> {
  const info: unknown = await callDocker(docker, (api) => api.info());
  const known = z.object({Name: z.string(), KernelVersion: z.string()}).safeParse(info).data;
  return known?.Name === hostname() && known.KernelVersion === release();
}

/** Asks the engine for its version. @throws TimetilesError `docker` with what to do about it */
export async function dockerVersion(docker: DockerHandle): Promise<string> {
  const version = await callDocker(docker, (api) => api.version());
  return version.Version;
}

/** Makes one call to the engine and turns connection failures into an error with a remedy; answers like 404 pass. */
export async function callDocker<Result>(docker: DockerHandle, call: (api: Dockerode) => Promise<Result>): Promise<Result> {
  docker.signal?.throwIfAborted();
  const {engine} = docker;
  const limit = docker.limit ?? (engine.isSilent ? silentLimit : questionLimit);
  const line = docker.open();
  try {
    const answer = await withinLimit(call(line.api), limit);
    engine.isSilent = false;
    return answer;
  } catch (error) {
    if (error instanceof NoAnswer) {
      engine.isSilent = true;
      throw unreachable(docker, `no answer within ${limit / 1000} seconds`, error, 'See what it is busy with (journalctl -u docker), or start it anew: systemctl restart docker');
    }
    const code = systemCode(error);
    if (docker.host.startsWith('ssh://') && statusOf(error) === undefined) {
      throw new TimetilesError('docker', `Docker cannot be reached at ${docker.host}: ${messageOf(error)}`, 'Load the key into an agent (ssh-add) and see that docker works there (ssh user@host docker version), or run timetiles on that host.', {cause: error});
    }
    if (code !== undefined && statusOf(error) === undefined && !meansDenied(error) && code !== 'ABORT_ERR') {
      throw unreachable(docker, code, error);
    }
    if (meansDenied(error)) {
      throw new TimetilesError('permission', `this user may not use Docker at ${docker.host}`, 'Run the command as root (sudo timetiles …) or join the docker group.', {cause: error});
    }
    throw error;
  } finally {
    line.hangUp();
  }
}

class NoAnswer extends Error {}

/** dockerode's own time limit is no help once an answer has begun: a call whose connection breaks in the middle of one would never end. */
async function withinLimit<Result>(call: Promise<Result>, limit: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NoAnswer()), limit);
  });
  try {
    return await Promise.race([call, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(docker: DockerHandle, why: string, cause: unknown, next = adviceFor(docker)): TimetilesError {
  return new TimetilesError('docker', `Docker does not answer at ${docker.host} (${why})${docker.origin === 'the default' ? '' : `, which ${docker.origin} names`}`, next, {cause});
}

function adviceFor({isLocal, origin}: DockerHandle): string {
  if (origin !== 'the default') return `Start it, or correct ${origin}. docker context ls shows what there is; without either, the engine at ${defaultHost} is used.`;
  const [rootless] = rootlessSockets();
  if (rootless !== undefined) return `A rootless engine is at ${rootless}. If it is meant, write DOCKER_HOST="unix://${rootless}" into bootstrap.conf; else systemctl start docker.`;
  if (isLocal && !existsSync('/usr/bin/dockerd')) return 'Install and start Docker, or set DOCKER_HOST to the engine to use.';
  return 'Start it: systemctl start docker. Another engine is named by DOCKER_HOST.';
}

/** Sockets of rootless engines that this user can see; docker takes none of them without being told. */
function rootlessSockets(): string[] {
  const users = existsSync('/run/user') ? readdirSync('/run/user') : [];
  const directories = [process.env['XDG_RUNTIME_DIR'], ...users.map((user) => `/run/user/${user}`), `${homedir()}/.docker/run`];
  return directories.filter((directory) => directory !== undefined).map((directory) => `${directory}/docker.sock`).filter((path) => existsSync(path));
}

/** The HTTP status of an answer of the engine that dockerode threw, else undefined. */
export function statusOf(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

/** An unexpected answer of the engine as an error of ours. */
export function dockerError(action: string, error: unknown): unknown {
  if (error instanceof TimetilesError || statusOf(error) === undefined) return error;
  return new TimetilesError('docker', `${action}: ${messageOf(error)}`, 'Look at the engine: docker info, docker ps -a.', {cause: error});
}
