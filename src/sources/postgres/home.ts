import {withSettings} from '../../config/guarded.ts';
import {inspectContainer, listProject, listProjectVolumes, renameForProject, type Container} from '../../docker/containers.ts';
import {inspectImage, removeContainer, type Image} from '../../docker/create.ts';
import {startContainer, stopContainer} from '../../docker/lifecycle.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {Home, HomeRequest, SourceContext, SourceRecord, StackSettings} from '../source.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {usesKartozaNames} from './credentials.ts';
import {findDataPlaces, mountOf, type DataPlace} from './data-places.ts';
import {readDatabaseNames} from './database-names.ts';
import {readDetails, type DatabaseDetails, type DatabaseHome} from './facts.ts';
import {tablesQuery} from './find-database.ts';
import {findDatabaseContainer} from './find-server.ts';
import {askerOf, runName, runSql} from './psql.ts';
import {preloadLibraries} from './preload.ts';
import {createServer, planServer} from './server.ts';
import {readDatabases} from './swap.ts';
import {connectTarget} from './restore-into.ts';
import {waitForServer} from './wait.ts';

/**
 * What a new container would need to take this one's place, for the manifest.
 * @param places where the server keeps its data, the data directory first
 */
export async function describeHome({docker, container}: Connection, [data]: readonly DataPlace[]): Promise<DatabaseHome> {
  const volumes = container.project === undefined ? [] : await listProjectVolumes(docker, container.project);
  const around = mountOf(container.mounts, data?.real ?? '/var/lib/postgresql/data');
  return {
    service: container.service ?? null,
    environment: usesKartozaNames(container.environment) ? 'kartoza' : 'official',
    dataDirectory: data?.path ?? null,
    isInContainer: data?.keeping === 'container',
    mounts: container.mounts.map((mount) => ({
      type: mount.type,
      source: mount.volume ?? mount.source,
      key: volumes.find(({name}) => name === mount.volume)?.key ?? null,
      destination: mount.destination,
      holdsData: mount === around,
    })),
  };
}

/** Finds the server for a database that is to come back, or plans a new one as the manifest describes it. */
export async function findDatabaseHome(context: SourceContext, request: HomeRequest): Promise<Home> {
  const {details} = readDetails(request.record);
  if (!details) throw new TimetilesError('container', 'the set was imported: it does not tell what server its database ran in', 'Start the stack by its compose file, then restore the set into it: timetiles restore SET');
  // Another database of the same set has found or planned the server already.
  if (context.database !== undefined && !request.given.has('POSTGRES_CONTAINER') && context.settings.POSTGRES_CONTAINER !== undefined) return sharedHome;
  const container = await findContainer(context, details, request);
  if (container) {
    const settings = adoptFromContainer(container, details, request.given);
    const {running, name} = container;
    return {
      settings,
      warnings: [],
      missing: running ? [] : [`starts the container ${name}, which is ${container.state}`],
      async prepare() {
        const docker = await context.docker();
        if (!running) await startContainer(docker, container.id);
        await waitForServer({...context, settings: withSettings(context.settings, settings)});
        return async () => {
          if (!running) await stopContainer(docker, container);
        };
      },
    };
  }
  return planNewServer(context, details, request);
}

const sharedHome: Home = {settings: {}, missing: [], warnings: [], prepare: () => Promise.resolve(() => Promise.resolve())};

async function planNewServer(context: SourceContext, details: DatabaseDetails, request: HomeRequest): Promise<Home> {
  const docker = await context.docker();
  const target = context.settings.COMPOSE_PROJECT_NAME;
  const name = containerName(context, details, request);
  if (!details.home) {
    throw new TimetilesError('container', `there is no container ${name}, and this set is of a version that did not note where its data lay`, 'Make it from the compose file (docker compose create postgres), then run the same command again.');
  }
  if (details.home.isInContainer === true) throw noVolume(name, details.home.dataDirectory);
  const {image, isExact} = await requireImage(context, details);
  const server = await planServer(docker, {name, project: target, origin: request.project, image, details, home: details.home});
  const database = request.given.has('DB_NAME') ? {} : {DB_NAME: details.database.name};
  const settings: StackSettings = {...(!request.given.has('POSTGRES_CONTAINER') && {POSTGRES_CONTAINER: name}), ...database};
  return {
    settings,
    warnings: [...(isExact ? [] : [`the image ${details.image.name} here is another than the set was made with (${shortId(details.image.id)})`]), ...server.warnings],
    missing: [...server.volumes.map((line) => `makes the ${line}`), `makes the container ${name} from ${details.image.name}, cut off from all networks until compose replaces it`],
    async prepare() {
      await createServer(docker, server, settings.DB_NAME ?? readDatabaseNames(context.settings.DB_NAME).names[0] ?? details.database.name);
      context.log.info(`waiting for the new server in ${name}`);
      const there = {...context, settings: withSettings(context.settings, settings)};
      await waitForServer(there);
      await requireVolume(there, name);
      await preloadLibraries(there, details);
      return () => Promise.resolve();
    },
  };
}

/**
 * What would be restored into a new container's own layer is lost when compose takes its place. Earlier versions did not
 * note where the data lay, so that only the server itself can tell.
 */
async function requireVolume(there: SourceContext, name: string): Promise<void> {
  const connection = await connectDatabase(there);
  const [data] = await findDataPlaces(connection, askerOf(connection, {run: runName(there.restic.repository, 'look')}));
  if (data?.keeping !== 'container') return;
  // It is empty, and the next try must not take it for what compose made.
  await removeContainer(connection.docker, connection.container.id);
  throw noVolume(name, data.path);
}

function noVolume(name: string, directory: string | null): TimetilesError {
  const place = directory ?? 'its data directory';
  return new TimetilesError('container', `the server of this set kept its data at ${place}, in none of its volumes: what is restored into a new container would be lost as soon as compose makes ${name} anew`, `In the compose file, mount a named volume at ${place} (or set DATADIR or PGDATA to a directory where one is mounted). Make the container from it: docker compose create postgres. Then run the same command again.`);
}

/** The container that the configuration names, or the project's service, or one that has the old one's name. */
async function findContainer(context: SourceContext, details: DatabaseDetails, request: HomeRequest): Promise<Container | undefined> {
  const docker = await context.docker();
  if (!request.given.has('POSTGRES_CONTAINER')) {
    const service = details.home?.service ?? 'postgres';
    const found = (await listProject(docker, context.settings.COMPOSE_PROJECT_NAME)).filter((container) => container.service === service);
    if (found.length > 1 && service === 'postgres') return findDatabaseContainer(context);
    if (found[0]) return found[0];
  }
  return inspectContainer(docker, containerName(context, details, request));
}

/** The old container's name, with the new project's where that is another one. Compose puts it in front. */
function containerName(context: SourceContext, details: DatabaseDetails, {project}: HomeRequest): string {
  return context.settings.POSTGRES_CONTAINER ?? renameForProject(details.container, project, context.settings.COMPOSE_PROJECT_NAME);
}

/** What the configuration does not say and the container neither. Pure. */
export function adoptFromContainer(container: Pick<Container, 'name' | 'environment'>, details: DatabaseDetails, given: ReadonlySet<string>): StackSettings {
  const isNamed = ['POSTGRES_DB', 'POSTGRES_DBNAME', 'POSTGRES_DB_FILE'].some((key) => key in container.environment);
  return {
    ...(!given.has('POSTGRES_CONTAINER') && {POSTGRES_CONTAINER: container.name}),
    ...(!given.has('DB_NAME') && !isNamed && {DB_NAME: details.database.name}),
  };
}

async function requireImage(context: SourceContext, {image}: DatabaseDetails): Promise<{image: Image; isExact: boolean}> {
  const docker = await context.docker();
  const exact = await inspectImage(docker, image.id);
  if (exact) return {image: exact, isExact: true};
  const named = await inspectImage(docker, image.name);
  if (named) return {image: named, isExact: false};
  throw new TimetilesError('container', `the image of the database is not on this machine: ${image.name} (${shortId(image.id)})`, `Get it: docker pull ${image.name} (or docker load), then run the same command again.`);
}

function shortId(id: string): string {
  return id.slice(0, 'sha256:'.length + 12);
}

/** Whether the database holds any table; one that is not there, or whose container does not run, holds none yet. */
export async function findLiveTables(context: SourceContext, record: SourceRecord | undefined): Promise<string | undefined> {
  const container = await findDatabaseContainer(context).catch((error: unknown) => {
    if (error instanceof TimetilesError && error.kind === 'container') return undefined;
    throw error;
  });
  if (!container?.running) return undefined;
  // An earlier run, or compose, may have started it a moment ago.
  await waitForServer(context);
  const connection = await connectTarget(context, record);
  const run = runName(context.restic.repository, 'look');
  const {database} = connection;
  if (!(await readDatabases(connection, [database], run)).has(database)) return undefined;
  const [count = '0'] = await runSql(connection, `${tablesQuery};`, {run});
  return count === '0' ? undefined : `the database ${database} in the container ${connection.container.name} has ${count === '1' ? '1 table' : `${count} tables`}`;
}
