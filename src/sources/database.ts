import {connectDatabase, type Connection} from './postgres/connection.ts';
import {databaseOfSource, joinDatabaseNames, mainSource, sourceOfDatabase} from './postgres/database-names.ts';
import {notesOnPlaces, type DataPlace} from './postgres/data-places.ts';
import {recordOfDump} from './postgres/dump-record.ts';
import {entryOf} from './postgres/entry.ts';
import {exportDump, exportName} from './postgres/export.ts';
import {databaseDetailsSchema, readDetails} from './postgres/facts.ts';
import {storeDump} from './postgres/dump.ts';
import {listExpectedFiles} from './postgres/files-query.ts';
import type {FoundDatabases} from './postgres/find-database.ts';
import {findOtherServers, findServer, findServerIds} from './postgres/find-server.ts';
import {sessionName} from './postgres/guard.ts';
import {findDatabaseHome, findLiveTables} from './postgres/home.ts';
import {recogniseDump} from './postgres/import/import.ts';
import {inspectDatabase, inspectServer, type ServerInspection} from './postgres/inspect-server.ts';
import {proveDatabase} from './postgres/prove.ts';
import {endLeftoverSessionsSql, runName, runSql} from './postgres/psql.ts';
import {inspectKeptDatabase} from './postgres/kept.ts';
import {findDatabaseLeftovers} from './postgres/leftovers.ts';
import {planDatabaseRestore, revertDatabaseRestore, swapRestoredDatabase} from './postgres/restore.ts';
import {dropDatabase} from './postgres/swap.ts';
import {connectTarget} from './postgres/restore-into.ts';
import {planThrowawayServer} from './postgres/throwaway.ts';
import {TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {settingLine} from '../config/setting-line.ts';
import type {BackupTask, InspectOptions, Source, SourceContext, SourceRecord, StoreRequest} from './source.ts';

/**
 * A PostgreSQL database of the stack, by way of its own container.
 * @param database one of those beside the main one, as a source of its own; undefined: the main one
 * @param server what was found of its server just now, so that it is not asked again
 */
export function databaseSource(database?: string, server?: ServerInspection): Source {
  const name = database === undefined ? mainSource : sourceOfDatabase(database);
  const lead = (context: SourceContext): SourceContext => (database === undefined ? context : {...context, database});
  return {
    name,
    kind: 'db',
    findAbsence,
    inspect: (context, options) => (database === undefined ? inspectMain(context, options, server) : inspectFurther(lead(context), name, server)),
    measure({bytes, details}) {
      const {data} = databaseDetailsSchema.pick({tables: true}).safeParse(details);
      // The thousands of rows that PostGIS brings would hide the loss of all others.
      const tables = data?.tables.filter(([, table]) => table !== 'spatial_ref_sys');
      return {bytes, ...(tables && {rows: Object.fromEntries(tables.map(([schema, table, rows]) => [`${schema}.${table}`, rows]))})};
    },
    servingContainers: findServerIds,
    findHome: (context, request) => findDatabaseHome(lead(context), request),
    findLive: (context, record) => findLiveTables(lead(context), record),
    async planRestore(context, request) {
      return planDatabaseRestore(lead(context), {...request, record: request.record ?? (await recordOfDump(context, request.snapshot))});
    },
    planThrowaway: (context, request) => planThrowawayServer(lead(context), request),
    swap: (context, entry) => swapRestoredDatabase(lead(context), entry),
    async prove(context, {record, restoreId}) {
      const {details} = readDetails(record);
      const unknown = record ? 'the set was imported, and nothing tells how many rows it should have' : 'the set has no manifest to compare with';
      return proveDatabase(await connectTarget(lead(context), record), details ?? unknown, runName(context.restic.repository, restoreId));
    },
    inspectKept: (context, entry) => inspectKeptDatabase(lead(context), entry),
    revert: (context, entry) => revertDatabaseRestore(lead(context), entry),
    async finish(context, journalEntry) {
      const {names, run} = entryOf(journalEntry);
      await dropDatabase(await connectDatabase(lead(context)), names.previous, run);
    },
    claimsPath: (path) => path === exportName(name),
    export: (context, request) => exportDump(context, name, request),
    ...(database === undefined && mainOnly),
  };
}

/** What is asked of the main database alone, also for all others of the server. */
const mainOnly: Pick<Source, 'recognise' | 'listNamedFiles' | 'findSources' | 'findLeftovers'> = {
  recognise: recogniseDump,
  findLeftovers: findDatabaseLeftovers,
  async listNamedFiles(context, files, {record, restoreId}) {
    const query = context.settings.BACKUP_FILES_QUERY;
    if (query === undefined) return;
    await listExpectedFiles(await connectTarget(context, record), query, {snapshot: undefined, run: runName(context.restic.repository, restoreId)}, files);
  },
  async findSources(context, earlier) {
    const server = await inspectServer(context, {earlier: savedDatabase(earlier)});
    return [databaseSource(undefined, server), ...server.further.map((name) => databaseSource(name, server))];
  },
};

/** The source of that name, if it is one of a database. */
export function databaseSourceByName(name: string): Source | undefined {
  if (name === mainSource) return databaseSource();
  const database = databaseOfSource(name);
  return database === undefined ? undefined : databaseSource(database);
}

/** A project that the engine does not know is a mistake, not a project without a database. */
async function findAbsence(context: SourceContext) {
  const found = await findServer(context);
  if (found.state === 'found') return undefined;
  const {DB_NAME, DB_USER, DB_PASSWORD} = context.settings;
  if (!found.projectExists || [DB_NAME, DB_USER, DB_PASSWORD].some((value) => value !== undefined)) throw found.error;
  return found.error;
}

function savedDatabase(record: SourceRecord | undefined): string | undefined {
  return record && databaseDetailsSchema.pick({database: true}).safeParse(record.details).data?.database.name;
}

async function inspectMain(context: SourceContext, {earlier}: InspectOptions, known: ServerInspection | undefined): Promise<BackupTask> {
  const server = known ?? (await inspectServer(context, {earlier: savedDatabase(earlier)}));
  const {connection, preferred, limits, places} = server;
  const notes = [...server.notes, ...leftOutDatabases(server), ...(await leftOutServers(context, connection)), ...limits, ...notesOnPlaces(connection.container.name, places)];
  return {...taskOf(context, {source: mainSource, connection, places, preferred}), notes};
}

async function inspectFurther(context: SourceContext, source: string, server: ServerInspection | undefined): Promise<BackupTask> {
  const {connection, limits, places} = await inspectDatabase(context, server?.places);
  return {...taskOf(context, {source, connection, places, preferred: connection.database}), notes: limits};
}

function taskOf(context: SourceContext, subject: StoreSubject): BackupTask {
  const {database, container, notes: warnings} = subject.connection;
  return {description: `database ${database} in the container ${container.name}`, warnings, notes: [], store: (request) => store(context, subject, request)};
}

function leftOutDatabases({connection, further, leftOut}: FoundDatabases): string[] {
  return leftOut.map(({name, tables}) => {
    const line = settingLine('DB_NAME', joinDatabaseNames([connection.database, ...further, name]));
    return `the database ${name} in the container ${connection.container.name} (${tables === null ? 'it cannot be looked into' : plural(tables, 'table')}) is in no backup; to save it too, write ${line}, or DB_NAME="*" for all, into bootstrap.conf`;
  });
}

async function leftOutServers(context: SourceContext, {container}: Connection): Promise<string[]> {
  const others = await findOtherServers(context, container);
  return others.map(({name}) => `the container ${name} of the project runs PostgreSQL too and is in no backup; save it by a configuration of its own, with POSTGRES_CONTAINER="${name}"`);
}

interface StoreSubject {
  readonly source: string;
  readonly connection: Connection;
  readonly places: readonly DataPlace[];
  /** The database that the configuration or the container names as the main one. */
  readonly preferred: string;
}

async function store(context: SourceContext, {source, connection, places, preferred}: StoreSubject, request: StoreRequest): Promise<SourceRecord> {
  const begin = Date.now();
  const run = runName(context.restic.repository, request.setId);
  try {
    const {tags, onProgress, expectedFiles} = request;
    const query = context.settings.BACKUP_FILES_QUERY;
    const beside = expectedFiles && query !== undefined && source === mainSource ? (snapshot: string, wasEnded: () => boolean) => listExpectedFiles(connection, query, {snapshot, run: sessionName(run, 'files'), wasEnded}, expectedFiles) : undefined;
    const {stored, details: read} = await storeDump(connection, context.restic, {places, tags, run, onProgress, beside, lockWait: context.settings.BACKUP_LOCK_WAIT, log: context.log});
    const {id, bytes, added, files} = stored;
    const details = {...read, ...(preferred !== connection.database && {preferred})};
    return {source, snapshot: id, bytes, added, files, seconds: (Date.now() - begin) / 1000, unreadable: [], details};
  } catch (error) {
    // Then there is nobody to ask.
    if (error instanceof TimetilesError && (error.kind === 'container' || error.kind === 'docker')) throw error;
    // pg_dump in the container does not notice that its reader is gone. The first cause is the one to tell.
    const steady = {...connection, docker: {...connection.docker, signal: undefined}};
    await runSql(steady, endLeftoverSessionsSql(run), {run}).catch(() => undefined);
    throw error;
  }
}
