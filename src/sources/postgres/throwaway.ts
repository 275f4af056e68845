import {randomBytes} from 'node:crypto';
import {z} from 'zod';
import type {DockerHandle} from '../../docker/client.ts';
import {inspectContainer} from '../../docker/containers.ts';
import {inspectImage, readLog, type Image} from '../../docker/create.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import {waitUntil} from '../../shared/wait.ts';
import type {SourceContext, ThrowawayPlace, ThrowawayRequest, UsedImage} from '../source.ts';
import {connectDatabase, findDatabaseContainer} from './connection.ts';
import {databaseDetailsSchema, type DatabaseDetails} from './facts.ts';
import {queryJson, runName, runSql} from './psql.ts';

const user = 'postgres';
const dataDirectory = '/var/lib/postgresql/data';
const mebibyte = 1024 ** 2;
/** A fresh cluster with its WAL; see "max_wal_size" in the PostgreSQL manual. */
const clusterBytes = 512 * mebibyte;
/** What the database takes while it is loaded, of what it takes now: a sort for an index lies beside its table. */
const growth = 1.5;

/** How long a fresh server may take to answer: images with extensions need a minute on a slow disk. In milliseconds. */
const startLimit = 5 * 60_000;
/** A server that listens only on this host is the temporary one of an image's first start, unless it stays so long. */
const settleMilliseconds = 30_000;

const stateSchema = z.object({listens: z.string(), started: z.string()});
const stateQuery = `select json_build_object('listens', current_setting('listen_addresses'), 'started', pg_postmaster_start_time());`;

/** Nothing in there has to outlive a crash. These settings need no new start of the server. */
const hastySettings = ['fsync', 'full_page_writes', 'autovacuum'].map((name) => `alter system set ${name} = off;`).join('\n');

/**
 * A server of its own, from the very image that the set was made with where the engine has it.
 * @throws TimetilesError `docker` when the engine has no image that fits
 */
export async function planThrowawayServer(context: SourceContext, {record, name}: ThrowawayRequest): Promise<ThrowawayPlace> {
  const details = record && databaseDetailsSchema.parse(record.details);
  const {image, used} = await chooseImage(context, details);
  const container = `${name}-db`;
  const password = randomBytes(24).toString('hex');
  const directories = directoriesOf(image);
  const volumes = Object.fromEntries(directories.map((directory, index) => [directory, `${container}-${index}`]));
  return {
    bytes: (details?.server.bytes ?? 0) * growth + clusterBytes,
    volumes: Object.values(volumes),
    // The names of the official images, and of those of kartoza.
    container: {name: container, image: image.id, environment: {POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_PASS: password}, volumes, shm: 256 * mebibyte},
    image: used,
    settings: {POSTGRES_CONTAINER: container, DB_NAME: details?.database.name ?? 'restored', DB_USER: user, DB_PASSWORD: password},
    prepare: (there) => prepareServer(there, container),
  };
}

/** Where the image keeps data: what it declares, and PostgreSQL's own directory in any case. */
function directoriesOf({volumes, environment}: Image): string[] {
  if (volumes.length > 0) return [...volumes];
  const directory = environment.find((entry) => entry.startsWith('PGDATA='))?.slice('PGDATA='.length);
  return [directory === undefined || directory === '' ? dataDirectory : directory];
}

async function chooseImage(context: SourceContext, details: DatabaseDetails | undefined): Promise<{image: Image; used: UsedImage}> {
  const docker = await context.docker();
  const made = details && (await inspectImage(docker, details.image.id));
  if (details && made) return {image: made, used: {name: details.image.name, id: made.id, otherThanMade: null}};
  const missing = details ? `the set was made with ${details.image.name} ${details.image.id}, which this engine does not have any more` : 'the set has no manifest that would name its image';
  const running = await findRunningServer(context);
  const fits = running && (!details || running.major === Math.floor(details.server.versionNumber / 10_000));
  const present = fits ? await inspectImage(docker, running.imageId) : undefined;
  if (running && present) return {image: present, used: {name: running.image, id: present.id, otherThanMade: `${missing}; this is the image of the running ${running.name}`}};
  const named = details && (await inspectImage(docker, details.image.name));
  if (details && named) return {image: named, used: {name: details.image.name, id: named.id, otherThanMade: `${missing}; this is what has its name now`}};
  throw new TimetilesError(
    'docker',
    `there is no image to restore into: ${missing}, and no running container has an image that fits`,
    details ? `Fetch it: docker pull ${shellWord(details.image.name)}` : 'Start the stack, whose image is then used.',
  );
}

/** The live server, which is only asked for its version. */
async function findRunningServer(context: SourceContext): Promise<{name: string; image: string; imageId: string; major: number} | undefined> {
  try {
    const connection = await connectDatabase(context);
    const run = runName(context.restic.repository, 'restore-test');
    const major = z.number().parse(await queryJson(connection, `select current_setting('server_version_num')::int / 10000;`, {run}));
    const {name, image, imageId} = await findDatabaseContainer(context);
    return {name, image, imageId, major};
  } catch (error) {
    context.signal.throwIfAborted();
    context.log.debug(`no running server can lend its image: ${messageOf(error)}`);
    return undefined;
  }
}

async function prepareServer(context: SourceContext, container: string): Promise<void> {
  const docker = await context.docker();
  const run = runName(context.restic.repository, 'restore-test');
  let seen: {started: string; since: number} | undefined;
  let last = 'it said nothing';
  const answers = async () => {
    await requireStarted(docker, container);
    try {
      const state = stateSchema.parse(await queryJson(await connectDatabase(context), stateQuery, {database: 'postgres', run, limit: 30}));
      if (state.listens.split(',').some((address) => ['*', '0.0.0.0', '::'].includes(address.trim()))) return true;
      if (seen?.started !== state.started) seen = {started: state.started, since: Date.now()};
      return Date.now() - seen.since >= settleMilliseconds;
    } catch (error) {
      context.signal.throwIfAborted();
      last = messageOf(error);
      return false;
    }
  };
  if (!(await waitUntil(answers, {limit: startLimit, interval: 250, signal: context.signal}))) {
    throw new TimetilesError('timeout', `the throwaway PostgreSQL did not answer within ${startLimit / 60_000} minutes: ${last}`, 'See what keeps the host busy: uptime, docker info.');
  }
  await runSql(await connectDatabase(context), `${hastySettings}\nselect pg_reload_conf();`, {database: 'postgres', run});
}

/** It may end at its first start, for example where the image wants something of its environment. */
async function requireStarted(docker: DockerHandle, name: string): Promise<void> {
  const container = await inspectContainer(docker, name);
  if (container?.running) return;
  const said = container === undefined ? [] : await readLog(docker, name, 3);
  throw new TimetilesError('container', `the throwaway PostgreSQL from ${container?.image ?? 'its image'} does not start: ${said.join(' | ') || 'it said nothing'}`, 'See how the image wants to be started, and whether the host has enough memory: free -m');
}
