import type {Container} from '../../docker/containers.ts';
import {TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {SeenServer} from './look.ts';
import type {Route} from './programs.ts';

export const defaultPort = '5432';
/** Names for the container itself, by which its own environment may say where its server listens. */
const ownNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1']);

/** Where to knock first: what is configured, or else what the container's environment says of its own server. Pure. */
export function firstRoute({environment}: Pick<Container, 'environment'>, port: string | undefined): Route {
  const host = environment['PGHOST'] ?? '';
  // A standby's may name its primary.
  const isOwn = host.startsWith('/') || ownNames.has(host);
  const learned = [environment['PGPORT'], environment['POSTGRESQL_PORT_NUMBER']].find((value) => /^\d+$/.test(value ?? ''));
  return {host: isOwn ? host : undefined, port: port ?? (isOwn || host === '' ? learned : undefined)};
}

/** The same server by TCP; undefined where it is that already. Pure. */
export function overNetwork(route: Route): Route | undefined {
  return route.host === undefined || route.host.startsWith('/') ? {...route, host: '127.0.0.1'} : undefined;
}

/** All ways to a server that was seen, sockets first. Pure. */
export function routesTo({port, directories}: SeenServer, programs: string | undefined): Route[] {
  return [...directories, '127.0.0.1', '::1'].map((host) => ({host, port, programs}));
}

/** The ways that the user of the operating system whom the server runs as has to it: over the socket, by peer. Pure. */
export function routesAsOwner({port, directories, uid}: SeenServer, programs: string | undefined): Route[] {
  return uid === undefined || uid === '' ? [] : directories.map((host) => ({host, port, programs, osUser: uid}));
}

/**
 * Which server of several to take. Never one by chance: a container may hold the clusters of two versions.
 * @param wanted the configured port
 * @returns undefined where none runs, so that it may still come
 * @throws TimetilesError `configuration` with the ports there are
 */
export function chooseServer(servers: readonly SeenServer[], wanted: string | undefined, container: Pick<Container, 'name' | 'publishedPorts'>): SeenServer | undefined {
  if (servers.length === 0) return undefined;
  const ports = servers.map(({port}) => port).toSorted().join(', ');
  if (wanted === undefined) {
    const [only] = servers.length === 1 ? servers : servers.filter(({port}) => port === defaultPort);
    if (only) return only;
    throw new TimetilesError('configuration', `the container ${container.name} runs several PostgreSQL servers, at the ports ${ports}`, `Say which one: DB_PORT=${servers[0]?.port ?? defaultPort}`);
  }
  // Apps are often given the port under which the host publishes it.
  const meant = [wanted, container.publishedPorts[wanted]].flatMap((port) => servers.find((server) => server.port === port) ?? [])[0];
  if (meant) return meant;
  throw new TimetilesError('configuration', `no PostgreSQL server listens at port ${wanted} (DB_PORT) in the container ${container.name}; one does at ${ports}`, `Correct DB_PORT, or leave it out. See what runs: docker top ${shellWord(container.name)}`);
}
