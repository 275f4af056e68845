import {existsSync} from 'node:fs';
import type Dockerode from 'dockerode';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {baseEnvironment} from '../process/environment.ts';

/** The connection to one Docker engine, for the API and for the docker program alike. */
export interface DockerHandle {
  readonly api: Dockerode;
  /** Such as `unix:///var/run/docker.sock`. */
  readonly host: string;
  /** The environment of the docker program: the same engine, whatever its contexts say. */
  readonly environment: Readonly<Record<string, string>>;
  /** False when the engine's files are on another machine. */
  readonly isLocal: boolean;
  readonly signal?: AbortSignal | undefined;
}

const defaultHost = 'unix:///var/run/docker.sock';
const apiTimeoutMilliseconds = 120_000;

/** Prepares the connection; nothing is sent yet. dockerode takes 68 ms to import, so it is imported here, when it is needed. */
export async function connectDocker(environment: Readonly<Record<string, string | undefined>>, signal?: AbortSignal): Promise<DockerHandle> {
  const {default: Docker} = await import('dockerode');
  const host = environment['DOCKER_HOST'] || defaultHost;
  const isLocal = host.startsWith('unix://');
  const socketPath = host.slice('unix://'.length);
  const api = isLocal ? new Docker({socketPath, timeout: apiTimeoutMilliseconds}) : new Docker();
  const docker: Record<string, string> = {...baseEnvironment(), DOCKER_HOST: host};
  for (const name of ['DOCKER_CONFIG', 'DOCKER_CERT_PATH', 'DOCKER_TLS_VERIFY', 'DOCKER_API_VERSION']) {
    const value = environment[name];
    if (value !== undefined) docker[name] = value;
  }
  return {api, host, environment: docker, isLocal, signal};
}

/** Asks the engine for its version. @throws TimetilesError `docker` with what to do about it */
export async function dockerVersion(docker: DockerHandle): Promise<string> {
  const version = await callDocker(docker, (api) => api.version());
  return version.Version;
}

/** Makes one call to the engine and turns connection failures into an error with a remedy; answers like 404 pass. */
export async function callDocker<Result>(docker: DockerHandle, call: (api: Dockerode) => Promise<Result>): Promise<Result> {
  docker.signal?.throwIfAborted();
  try {
    return await call(docker.api);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ETIMEDOUT' || code === 'ECONNRESET') {
      throw new TimetilesError(
        'docker',
        `Docker does not answer at ${docker.host} (${code})`,
        docker.isLocal && !existsSync('/usr/bin/dockerd')
          ? 'Install and start Docker, or set DOCKER_HOST to the engine to use.'
          : 'Start it: systemctl start docker. Another engine is named by DOCKER_HOST.',
        {cause: error},
      );
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new TimetilesError('permission', `this user may not use Docker at ${docker.host}`, 'Run the command as root (sudo timetiles …) or join the docker group.', {cause: error});
    }
    throw error;
  }
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
