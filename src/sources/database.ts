import {open, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {startDump} from '../restic/dump.ts';
import {targetError} from '../restic/errors.ts';
import {TimetilesError} from '../shared/errors.ts';
import {readBackupNotes} from './postgres/backup-notes.ts';
import {connectDatabase, type Connection} from './postgres/connection.ts';
import {recordOfDump} from './postgres/dump-record.ts';
import {dumpPath, storeDump} from './postgres/dump.ts';
import {databaseDetailsSchema, readDetails} from './postgres/facts.ts';
import {recogniseDump} from './postgres/import/import.ts';
import {listExpectedFiles} from './postgres/files-query.ts';
import {findDatabaseContainer} from './postgres/find-server.ts';
import {sessionName} from './postgres/guard.ts';
import {findDatabaseHome, findLiveTables} from './postgres/home.ts';
import {proveDatabase} from './postgres/prove.ts';
import {refusedDatabase, unknownDatabase} from './postgres/failure.ts';
import {endLeftoverSessionsSql, runName, runSql} from './postgres/psql.ts';
import {entryOf} from './postgres/entry.ts';
import {inspectKeptDatabase} from './postgres/kept.ts';
import {findDatabaseLeftovers} from './postgres/leftovers.ts';
import {planDatabaseRestore, revertDatabaseRestore, swapRestoredDatabase} from './postgres/restore.ts';
import {dropDatabase} from './postgres/swap.ts';
import {planThrowawayServer} from './postgres/throwaway.ts';
import type {BackupTask, ExportRequest, Source, SourceContext, SourceRecord, StoreRequest} from './source.ts';

/** Seconds that a backup waits for tables that something has locked. */
const defaultLockWait = 600;

/** The PostgreSQL database of the stack, by way of its own container. */
export const databaseSource: Source = {
  name: 'db',

  async inspect(context): Promise<BackupTask> {
    const connection = await connectDatabase(context);
    requireDatabase(connection);
    const notes = await readBackupNotes(connection, runName(context.restic.repository, 'inspect'));
    return {
      description: `database ${connection.database} in the container ${connection.container.name}`,
      warnings: connection.notes,
      notes,
      store: (request) => store(context, connection, request),
    };
  },

  measure({bytes, details}) {
    const {data} = databaseDetailsSchema.pick({tables: true}).safeParse(details);
    // The thousands of rows that PostGIS brings would hide the loss of all others.
    const tables = data?.tables.filter(([, table]) => table !== 'spatial_ref_sys');
    return {bytes, ...(tables && {rows: Object.fromEntries(tables.map(([schema, table, rows]) => [`${schema}.${table}`, rows]))})};
  },

  async servingContainers(context) {
    const container = await findDatabaseContainer(context).catch(ignoreMissing);
    return container ? [container.id] : [];
  },

  findHome: findDatabaseHome,
  findLive: findLiveTables,
  recognise: recogniseDump,
  async planRestore(context, request) {
    return planDatabaseRestore(context, {...request, record: request.record ?? (await recordOfDump(context, request.snapshot))});
  },
  planThrowaway: planThrowawayServer,

  swap: swapRestoredDatabase,

  async prove(context, {record, restoreId}) {
    const {details} = readDetails(record);
    const unknown = record ? 'the set was imported, and nothing tells how many rows it should have' : 'the set has no manifest to compare with';
    return proveDatabase(await connectDatabase(context), details ?? unknown, runName(context.restic.repository, restoreId));
  },

  async listNamedFiles(context, files, restoreId) {
    const query = context.settings.BACKUP_FILES_QUERY;
    if (query === undefined) return;
    await listExpectedFiles(await connectDatabase(context), query, {snapshot: undefined, run: runName(context.restic.repository, restoreId)}, files);
  },

  inspectKept: inspectKeptDatabase,
  findLeftovers: findDatabaseLeftovers,
  revert: revertDatabaseRestore,

  async finish(context, journalEntry) {
    const {names, run} = entryOf(journalEntry);
    await dropDatabase(await connectDatabase(context), names.previous, run);
  },

  claimsPath: (path) => path === 'database.sql',
  export: exportDump,
};

function requireDatabase(connection: Connection): void {
  const {server, refusal, database} = connection;
  if (!server.hasDatabase) throw unknownDatabase(connection, database);
  if (refusal !== undefined) throw refusedDatabase(connection, refusal);
}

/** The uploads of a stack without a database can be restored all the same. */
function ignoreMissing(error: unknown): undefined {
  if (error instanceof TimetilesError && error.kind === 'container') return undefined;
  throw error;
}

async function store(context: SourceContext, connection: Connection, request: StoreRequest): Promise<SourceRecord> {
  const begin = Date.now();
  const run = runName(context.restic.repository, request.setId);
  try {
    const {tags, onProgress, expectedFiles} = request;
    const query = context.settings.BACKUP_FILES_QUERY;
    const beside = expectedFiles && query !== undefined ? (snapshot: string, wasEnded: () => boolean) => listExpectedFiles(connection, query, {snapshot, run: sessionName(run, 'files'), wasEnded}, expectedFiles) : undefined;
    const {stored, details} = await storeDump(connection, context.restic, {tags, run, onProgress, beside, lockWait: context.settings.BACKUP_LOCK_WAIT ?? defaultLockWait, log: context.log});
    const {id, bytes, added, files} = stored;
    return {source: 'db', snapshot: id, bytes, added, files, seconds: (Date.now() - begin) / 1000, unreadable: [], details};
  } catch (error) {
    // pg_dump in the container does not notice that its reader is gone. The first cause is the one to tell.
    const steady = {...connection, docker: {...connection.docker, signal: undefined}};
    await runSql(steady, endLeftoverSessionsSql(run), {run}).catch(() => undefined);
    throw error;
  }
}

/** Writes the dump as DIR/database.sql, mode 0600; what can be read of a damaged one as database.sql.partial. */
async function exportDump(context: SourceContext, request: ExportRequest): Promise<string[]> {
  const path = join(request.directory, 'database.sql');
  const file = await open(path, 'wx', 0o600);
  try {
    const result = await startDump(context.restic, request.snapshot, dumpPath, file.fd).result;
    if (result.exitCode !== 0) {
      const error = targetError(context.restic, 'writing database.sql', request.directory, result);
      const {size} = await file.stat();
      if (!request.bestEffort || error.kind !== 'repository-damaged' || size === 0) {
        await rm(path);
        throw error;
      }
      await rename(path, `${path}.partial`);
      request.bestEffort.onMissing([`${dumpPath} from byte ${size} on; database.sql.partial is what comes before that, and no whole dump`]);
      return [`${path}.partial`];
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return [path];
}
