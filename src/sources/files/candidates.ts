import {posix} from 'node:path';
import {composeLabels, type Container, type Mount} from '../../docker/containers.ts';

/** A volume or a directory of the host that may hold files of the app, as far as can be told from its mounts. */
export interface FilesCandidate {
  readonly place: {readonly volume: string} | {readonly directory: string};
  /** Where it is on this host; of a volume, as the engine mounts it. */
  readonly source: string;
  /** The containers that mount it, and where: `web:/app/media`. */
  readonly users: readonly string[];
  /** Whether its own name or that of the directory in a container is `uploads`. */
  readonly isNamedUploads: boolean;
  /** Whether its name says that what it holds is no data: logs, a cache, certificates. */
  readonly isSetAside: boolean;
}

/** A volume or directory that an app's own setting names. */
export interface NamedPlace {
  readonly place: FilesCandidate['place'];
  /** Such as `UPLOAD_DIR=/app/uploads of shop-web-1`. */
  readonly why: string;
}

/** By these apps are told where to keep uploads, the surest first. */
const uploadVariables = ['UPLOAD_DIR', 'UPLOADS_DIR', 'UPLOAD_PATH', 'UPLOADS_PATH', 'MEDIA_ROOT'];

/** Services that keep files of their own that are no uploads: other databases, caches, queues, proxies, certificates, what watches. */
const otherServices =
  /^(mysql|mariadb|percona|mongo|mongodb|redis|redis-stack|valkey|keydb|dragonfly|memcached|rabbitmq|nats|kafka|zookeeper|elasticsearch|opensearch|meilisearch|typesense|solr|clickhouse(-server)?|influxdb|cassandra|couchdb|neo4j|etcd|consul|vault|nginx(-.*)?|caddy|traefik|haproxy|httpd|certbot|acme-companion|nginx-proxy|prometheus|grafana|loki|promtail|alertmanager|node-exporter|cadvisor|pgadmin4?|pgbouncer|adminer|portainer.*|watchtower|mailpit|mailhog|.*-exporter|.*exporter|.*backup.*)$/;
/** Directories in a container that hold no data of the app. */
const otherDestinations = /^\/(etc|run|var\/run|proc|sys|dev|boot|usr(?!\/src)|lib|lib64|bin|sbin|tmp|var\/tmp|var\/cache|var\/log|var\/lib\/docker|root\/\.\w+|docker-entrypoint.*)(\/|$)/;
/** Directories of the host that are the system's. */
const otherSources = /^\/(etc|run|var\/run|proc|sys|dev|boot|usr|lib|lib64|bin|sbin|var\/log|var\/cache|var\/lib\/docker(?!\/volumes\/))(\/|$)/;
/** Names of volumes and directories whose content is made anew, or is the server's. */
const otherNames = /^(.*[-_.])?(logs?|caches?|te?mp|sockets?|run|pids?|letsencrypt(-lib)?|certbot(-webroot|-www)?|certs?|certificates|ssl|tls|acme|nginx(-conf.*)?|conf|config|configs|node_modules|venv|static|staticfiles|assets-build|backups?|secrets?|scripts?|initdb|entrypoint|migrations)(\.d)?$/;
const uploadsName = /^(.*[-_.])?uploads?$/i;

/**
 * Finds what may hold the uploads: volumes and directories that a container of the project may write to and that are no
 * database's own, no sockets, logs, caches or certificates. Pure.
 * @param servers ids of the database containers, whose mounts are their own
 */
export function findCandidates(containers: readonly Container[], servers: ReadonlySet<string>): FilesCandidate[] {
  const ofServers = new Set(containers.filter(({id}) => servers.has(id)).flatMap(({mounts}) => mounts.map(keyOf)));
  const found = new Map<string, FilesCandidate>();
  for (const container of containers) {
    if (servers.has(container.id) || otherServices.test(imageName(container.image))) continue;
    for (const mount of container.mounts) {
      const key = keyOf(mount);
      if (ofServers.has(key) || !mayHoldFiles(mount, container)) continue;
      const known = found.get(key);
      const user = `${container.service ?? container.name}:${mount.destination}`;
      const isNamedUploads = uploadsName.test(posix.basename(key)) || uploadsName.test(posix.basename(mount.destination));
      found.set(key, {
        place: mount.volume === undefined ? {directory: mount.source} : {volume: mount.volume},
        source: mount.source,
        users: [...new Set([...(known?.users ?? []), user])],
        isNamedUploads: isNamedUploads || (known?.isNamedUploads ?? false),
        isSetAside: isNamedOtherwise(mount) && (known?.isSetAside ?? true),
      });
    }
  }
  return [...found.values()].toSorted((a, b) => (keyOfPlace(a.place) < keyOfPlace(b.place) ? -1 : 1));
}

/**
 * Finds where the app itself says that its uploads are, by its environment and its mounts; each place once. A directory
 * in a volume means the whole volume: nothing smaller can be named, made anew or swapped. Pure.
 */
export function findNamedByApp(containers: readonly Container[], servers: ReadonlySet<string>): NamedPlace[] {
  const apps = containers.filter(({id}) => !servers.has(id));
  for (const variable of uploadVariables) {
    const found = new Map<string, NamedPlace>();
    for (const container of apps) {
      const value = container.environment[variable];
      if (value === undefined || value.trim() === '') continue;
      const path = posix.resolve(container.workingDirectory, value.trim());
      const mount = innermost(container.mounts, path);
      if (!mount) continue;
      const place = mount.volume === undefined ? {directory: posix.join(mount.source, posix.relative(mount.destination, path))} : {volume: mount.volume};
      found.set(keyOfPlace(place), {place, why: `${variable}=${value} of ${container.name}`});
    }
    if (found.size > 0) return [...found.values()];
  }
  return [];
}

/** What an app says of its uploads that no mount holds: they are gone with the container. Pure. */
export function findUnmounted(containers: readonly Container[]): string | undefined {
  const lost = containers.flatMap((container) => uploadVariables.flatMap((variable) => {
    const value = container.environment[variable];
    if (value === undefined || value.trim() === '') return [];
    return innermost(container.mounts, posix.resolve(container.workingDirectory, value.trim())) ? [] : [`${variable}=${value} of ${container.name} is on no volume`];
  }));
  return lost[0];
}

/** The volume's name or the directory. Pure. */
export function keyOfPlace(place: FilesCandidate['place']): string {
  return 'volume' in place ? place.volume : place.directory;
}

function keyOf(mount: Mount): string {
  return mount.volume ?? mount.source;
}

function mayHoldFiles(mount: Mount, container: Container): boolean {
  if ((mount.type !== 'volume' && mount.type !== 'bind') || !mount.writable) return false;
  if (otherDestinations.test(mount.destination)) return false;
  const project = container.labels[composeLabels.directory];
  if (mount.type === 'volume') return true;
  // The app's own code, as developers mount it.
  if (mount.source === '/' || (project !== undefined && isInside(project, mount.source))) return false;
  return !otherSources.test(mount.source);
}

function isNamedOtherwise(mount: Mount): boolean {
  return [mount.destination, keyOf(mount)].some((path) => otherNames.test(posix.basename(path).toLowerCase()));
}

function innermost(mounts: readonly Mount[], path: string): Mount | undefined {
  const holding = mounts.filter(({type, destination}) => (type === 'volume' || type === 'bind') && isInside(path, destination));
  return holding.toSorted((a, b) => b.destination.length - a.destination.length)[0];
}

function imageName(image: string): string {
  return posix.basename(image.split('@')[0] ?? '').replace(/:.*$/, '').toLowerCase();
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
