import {randomBytes} from 'node:crypto';
import {z} from 'zod';
import {inspectImage, type Image} from '../../docker/create.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import type {SourceContext, ThrowawayPlace, ThrowawayRequest, UsedImage} from '../source.ts';
import {connectDatabase} from './connection.ts';
import {findDatabaseContainer} from './find-server.ts';
import {readDetails, type DatabaseDetails} from './facts.ts';
import {preloadLibraries} from './preload.ts';
import {queryJson, runName, runSql} from './psql.ts';
import {passwordVariables, serverCommand} from './server.ts';
import {waitForServer} from './wait.ts';

const user = 'postgres';
const dataDirectory = '/var/lib/postgresql/data';
const mebibyte = 1024 ** 2;
/** A fresh cluster with its WAL; see "max_wal_size" in the PostgreSQL manual. */
const clusterBytes = 512 * mebibyte;
/** What the database takes while it is loaded, of what it takes now: a sort for an index lies beside its table. */
const growth = 1.5;

/** Nothing in there has to outlive a crash. These settings need no new start of the server. */
const hastySettings = ['fsync', 'full_page_writes', 'autovacuum'].map((name) => `alter system set ${name} = off;`).join('\n');

/**
 * A server of its own, from the very image that the set was made with where the engine has it.
 * @throws TimetilesError `docker` when the engine has no image that fits
 */
export async function planThrowawayServer(context: SourceContext, {record, name, isShared}: ThrowawayRequest): Promise<ThrowawayPlace> {
  const {details} = readDetails(record);
  const bytes = (details?.server.bytes ?? record?.bytes ?? 0) * growth;
  if (isShared) return {bytes, volumes: [], settings: {}};
  const {image, used} = await chooseImage(context, details, record ? 'the set was imported, and does not name an image' : 'the set has no manifest that would name its image');
  const container = `${name}-db`;
  const password = randomBytes(24).toString('hex');
  const directories = directoriesOf(image, details);
  const volumes = Object.fromEntries(directories.map((directory, index) => [directory, `${container}-${index}`]));
  return {
    bytes: bytes + clusterBytes,
    volumes: Object.values(volumes),
    container: {name: container, image: image.id, environment: {POSTGRES_USER: user, ...passwordVariables(password)}, command: serverCommand(details, image), volumes, shm: 256 * mebibyte},
    image: used,
    settings: {POSTGRES_CONTAINER: container, DB_NAME: details?.database.name ?? 'restored', DB_USER: user, DB_PASSWORD: password},
    prepare: (there) => prepareServer(there, details),
  };
}

/** Where the image keeps data: what it declares, else where its server had it. */
function directoriesOf({volumes, environment}: Image, details: DatabaseDetails | undefined): string[] {
  if (volumes.length > 0) return [...volumes];
  const directory = environment.find((entry) => entry.startsWith('PGDATA='))?.slice('PGDATA='.length);
  return [directory === undefined || directory === '' ? (details?.home?.dataDirectory ?? dataDirectory) : directory];
}

async function chooseImage(context: SourceContext, details: DatabaseDetails | undefined, why: string): Promise<{image: Image; used: UsedImage}> {
  const docker = await context.docker();
  const made = details && (await inspectImage(docker, details.image.id));
  if (details && made) return {image: made, used: {name: details.image.name, id: made.id, otherThanMade: null}};
  const missing = details ? `the set was made with ${details.image.name} ${details.image.id}, which this engine does not have any more` : why;
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

async function prepareServer(context: SourceContext, details: DatabaseDetails | undefined): Promise<void> {
  await waitForServer(context);
  await preloadLibraries(context, details);
  await runSql(await connectDatabase(context), `${hastySettings}\nselect pg_reload_conf();`, {database: 'postgres', run: runName(context.restic.repository, 'restore-test')});
}
