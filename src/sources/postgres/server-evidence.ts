import {posix} from 'node:path';
import type {Container} from '../../docker/containers.ts';

/** As much of a container as tells what it is. */
export type ServerFacts = Pick<Container, 'image' | 'environment' | 'command' | 'ports' | 'mounts' | 'running'>;

/**
 * What a container is: a PostgreSQL server that answers for itself, a standby that follows another one, a server as far
 * as can be told while it does not run, or nothing of the kind.
 */
export type ServerRole = 'server' | 'standby' | 'likely' | 'none';

/** Images that bring a server, by the last part of their name. */
const serverImage = /postgres|postgis|timescale|pgvector|pgvecto|vchord|spilo|paradedb|citus|(^|[-_])(pg|age)(\d+|[-_]|$)/;
/** What only talks to one, although its image or name has the same words. */
const helperImage =
  /bouncer|pgcat|pgpool|odyssey|pgadmin|exporter|backup|pgbackrest|barman|wal-?[eg]|postgrest|graphile|postgres-meta|pgweb|pghero|pgsync|pglogical-|client|operator|adminer|proxy|migrat|monitor|mcp|cron-job|agent|dump/;

/** The directories in which servers keep their data. */
const dataDirectories = ['/var/lib/postgresql', '/bitnami/postgresql', '/home/postgres/pgdata', '/pgdata', '/var/lib/pgsql'];
/** What only a server's image sets. Passwords and names are in the environment of every app as well. */
const serverVariables = ['PGDATA', 'PG_MAJOR', 'POSTGRES_INITDB_ARGS', 'POSTGRES_INITDB_WALDIR', 'POSTGRES_HOST_AUTH_METHOD', 'POSTGRESQL_VOLUME_DIR', 'POSTGRESQL_DATA_DIR', 'PATRONI_SCOPE', 'SPILO_CONFIGURATION'];
const serverPort = 5432;

const serverPrograms: ReadonlySet<string> = new Set(['postgres', 'postmaster', 'edb-postgres', 'pg_ctl', 'pg_ctlcluster', 'pg_autoctl', 'patroni']);
const clientPrograms: ReadonlySet<string> = new Set(['psql', 'pg_dump', 'pg_dumpall', 'pg_restore', 'pg_isready', 'pg_basebackup', 'pg_receivewal', 'createdb', 'pgbench', 'pgbackrest', 'wal-g', 'crond', 'cron', 'go-cron', 'supercronic', 'sleep', 'tail', 'true', 'cat']);
/** Programs that start another one with the rights of a user, who is named first. */
const userSwitchers: ReadonlySet<string> = new Set(['gosu', 'su-exec', 'setpriv', 'runuser', 'su']);
const wrappers = /^(tini|dumb-init|docker-init|env|exec|.*entrypoint(\.sh)?)$/;
const shells: ReadonlySet<string> = new Set(['sh', 'bash', 'ash', 'dash']);

/**
 * Judges a container by what it runs, not by its name. Pure.
 * @param processes the command lines in it; undefined where they are not known
 */
export function judgeContainer(container: ServerFacts, processes: readonly string[] | undefined): ServerRole {
  if (container.running && processes) {
    if (processes.some(isPostmaster)) return processes.some(isFollowing) ? 'standby' : 'server';
    // A server that is just being set up runs its image's script and no server yet.
    const isStarting = looksLikeServer(container) && (startsServer(container.command) === true || isServerImage(container.image));
    return isStarting ? 'likely' : 'none';
  }
  return looksLikeServer(container) ? 'likely' : 'none';
}

/** Whether image, environment, ports, mounts and command are those of a server, as far as they tell without a look inside. Pure. */
export function looksLikeServer(container: ServerFacts): boolean {
  const {image, environment, ports, mounts, command} = container;
  if (helperImage.test(nameOf(image)) || startsServer(command) === false) return false;
  return (
    isServerImage(image) ||
    startsServer(command) === true ||
    ports.includes(serverPort) ||
    serverVariables.some((name) => name in environment) ||
    mounts.some(({destination}) => dataDirectories.some((directory) => isInside(destination, directory)))
  );
}

/** The volume or directory in which the server keeps its data; undefined where it is in no mount. Pure. */
export function dataMountOf({environment, mounts}: Pick<Container, 'environment' | 'mounts'>): string | undefined {
  const own = environment['PGDATA'] ?? environment['DATADIR'] ?? environment['POSTGRESQL_DATA_DIR'];
  const directories = [...(own === undefined ? [] : [own]), ...dataDirectories];
  const found = mounts.find(({destination}) => directories.some((directory) => isInside(destination, directory) || isInside(directory, destination)));
  return found && (found.volume ?? found.source);
}

function isPostmaster(command: string): boolean {
  return /^(\S*\/)?(postgres|postmaster|edb-postgres)(\s|$)/.test(command) || command.startsWith('postgres: ');
}

/** One that has crashed also replays its log at its start, but is no standby for it: then it is found as the only one there is. */
function isFollowing(command: string): boolean {
  return /^postgres: .*(walreceiver|startup\s+(recovering|waiting))/.test(command);
}

function isServerImage(image: string): boolean {
  const name = nameOf(image);
  return serverImage.test(name) && !helperImage.test(name);
}

/** `ghcr.io/shop/postgres:17@sha256:…` as `postgres`; nothing for an image that has no name any more. */
function nameOf(image: string): string {
  if (image.startsWith('sha256:')) return '';
  const [withTag = ''] = image.split('@');
  return posix.basename(withTag).replace(/:.*$/, '').toLowerCase();
}

/** Whether the command starts a server; undefined where it does not tell. */
function startsServer(command: readonly string[]): boolean | undefined {
  const words = [...command];
  while (words.length > 0) {
    const word = words.shift() ?? '';
    const program = posix.basename(word);
    if (word === '--' || word === '-g' || wrappers.test(program)) continue;
    // The images' scripts put `postgres` in front of options.
    if (word.startsWith('-')) return undefined;
    if (userSwitchers.has(program)) {
      words.shift();
      continue;
    }
    if (shells.has(program)) return readScript(words);
    if (serverPrograms.has(program)) return true;
    return clientPrograms.has(program) ? false : undefined;
  }
  return undefined;
}

/** A script given to a shell: what it does last counts, since a server does not come back. */
function readScript(words: readonly string[]): boolean | undefined {
  const text = words.join(' ');
  if (/(entrypoint(\.sh)?|exec|gosu postgres|su-exec postgres)\s+(\S*\/)?(postgres|postmaster)\b|pg_ctl(cluster)?\b.*\bstart\b/.test(text)) return true;
  const programs = text.split(/[\s;&|()"'`{}]+/).map((word) => posix.basename(word));
  return programs.some((program) => clientPrograms.has(program)) ? false : undefined;
}

function isInside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
