import {z} from 'zod';
import {TimetilesError} from '../../shared/errors.ts';
import {plural} from '../../shared/format.ts';
import type {OnProgress, RestoreRequest, SourceContext} from '../source.ts';
import {compareRows} from './compare.ts';
import type {Connection} from './connection.ts';
import {createDatabaseSql, createRolesSql, databasePropertiesSql} from './create.ts';
import type {DumpRewrite} from './dump-rewrite.ts';
import {dropBorrowed, finishExtensions, prepareExtensions, renameInJobs, type WantedExtension} from './extensions.ts';
import {factsQuery, factsSchema, type DatabaseDetails, type DatabaseProperties} from './facts.ts';
import {fullServerDiskError} from './full-disk.ts';
import {isWorthAnotherTry} from './load-errors.ts';
import {loadDump, requireWholeDump, type LoadProblem} from './load.ts';
import {longQueryLimit, queryJson, runSql, type PsqlOptions} from './psql.ts';
import {readRestrictSupport} from './restrict.ts';
import {ownSearchPath} from './search-path.ts';
import {identifier, literal, maintenanceDatabase} from './sql.ts';
import {sqlstates} from './sqlstate.ts';
import {dropDatabase} from './swap.ts';
import type {Target} from './restore-target.ts';
import {scramVerifier} from './verifier.ts';
import type {RestoreEntry} from './entry.ts';

export interface StagePlan {
  readonly entry: RestoreEntry;
  readonly details: DatabaseDetails | undefined;
  readonly target: Target;
  readonly extensions: readonly WantedExtension[];
}

/** States of SQL that are never about the set: no room, no memory, a server that stops, a file that cannot be read. */
const ofTheServer = /^(?:53|57|58)/;

/**
 * Loads a set into the scratch database and checks it.
 * @returns what came back otherwise than by the ordinary way, a line each
 */
export async function stageDatabase(context: SourceContext, connection: Connection, request: RestoreRequest, plan: StagePlan, onProgress: OnProgress): Promise<string[]> {
  const {names, run, newRoles} = plan.entry;
  const {details, target} = plan;
  const maintenance = {database: maintenanceDatabase(names.live), run};
  if (!request.record) await requireWholeDump(context.restic, request.snapshot);
  const properties = details?.database ?? (await propertiesOfTarget(connection, names, run));
  // Another database of the same set may have made some of them a moment ago.
  const present = new Set(await runSql(connection, 'select rolname from pg_roles;', maintenance));
  const missing = newRoles.filter((name) => !present.has(name));
  const {DB_USER, DB_PASSWORD} = context.settings;
  const known = DB_USER === undefined || DB_PASSWORD === undefined ? {} : {[DB_USER]: scramVerifier(DB_PASSWORD)};
  if (details) await runSql(connection, createRolesSql(details, new Set(missing), target.versionNumber, known).join('\n'), maintenance);
  else await runSql(connection, missing.map((role) => `create role ${identifier(role)} nologin;`).join('\n'), maintenance);
  const remarks = await loadPatiently(context, connection, request, {...plan, properties, onProgress});
  if (details) await requireSameCounts(connection, details, names.scratch, run);
  await renameInJobs(connection, plan.extensions, {scratch: names.scratch, from: details?.database.name ?? names.live, to: names.live, run});
  await gatherStatistics(context, connection, {database: names.scratch, run, limit: longQueryLimit});
  await runSql(connection, databasePropertiesSql(names.scratch, properties).join('\n'), maintenance);
  return remarks;
}

/** Statistics over what a function computes may fail where the data itself is right; autovacuum meets the same on the old server. */
async function gatherStatistics(context: SourceContext, connection: Connection, options: PsqlOptions): Promise<void> {
  try {
    await runSql(connection, 'analyze;', options);
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.kind !== 'database') throw error;
    context.log.debug(`not all statistics could be gathered: ${error.message}`);
    const each = `select format('analyze %I.%I;', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'm', 'p') and n.nspname <> 'information_schema' and left(n.nspname, 3) <> 'pg_'`;
    await runSql(connection, `\\set ON_ERROR_STOP off\n${each}\n\\gexec`, options);
  }
}

interface LoadPlan extends StagePlan {
  readonly properties: DatabaseProperties;
  readonly onProgress: OnProgress;
}

/** A dump as it is loads into most servers; one that does not is tried once more, with what an operator would do by hand. */
async function loadPatiently(context: SourceContext, connection: Connection, request: RestoreRequest, plan: LoadPlan): Promise<string[]> {
  const {details, target, entry, properties} = plan;
  const tablespaces = new Set(['', ...target.tablespaces]);
  const isRewritten = (details?.tablespaces ?? []).some((name) => !tablespaces.has(name)) || !(await readRestrictSupport(connection));
  try {
    await loadOnce(context, connection, request, plan, isRewritten ? {tablespaces} : undefined);
    return [];
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isWorthAnotherTry(error)) throw error;
    const {scratch} = entry.names;
    const schemas = z.array(z.string()).parse(await queryJson(connection, `select coalesce(json_agg(nspname order by nspname), '[]') from pg_namespace where left(nspname, 3) <> 'pg_' and nspname <> 'information_schema';`, {database: scratch, run: entry.run}));
    const roleSettings = (details?.roles ?? []).flatMap(({settings}) => settings ?? []);
    const searchPath = ownSearchPath(properties, roleSettings, schemas);
    context.log.warn(`${error.message}. Trying once more, with the database's own search path (${searchPath}) and its check constraints last`);
    const problems = await loadOnce(context, connection, request, plan, {tablespaces, patience: {searchPath}});
    return [`the database was loaded with its own search path (${searchPath}) and its check constraints last, since it did not load without: ${error.message}`, ...problems.map(({what, message}) => `${what}: ${message}`)];
  }
}

async function loadOnce(context: SourceContext, connection: Connection, request: RestoreRequest, plan: LoadPlan, rewrite: DumpRewrite | undefined): Promise<LoadProblem[]> {
  const {names, run} = plan.entry;
  const maintenance = {database: maintenanceDatabase(names.live), run};
  await dropBorrowed(connection, names.scratch, run);
  await dropDatabase(connection, names.scratch, run);
  await runSql(connection, createDatabaseSql(names.scratch, plan.properties), maintenance);
  await prepareExtensions(connection, plan.extensions, names.scratch, run);
  const watch = context.log.showsProgress ? watchSize(connection, plan) : undefined;
  let problems: LoadProblem[];
  try {
    problems = await loadDump(connection, context.restic, {snapshot: request.snapshot, database: names.scratch, run, rewrite});
  } finally {
    clearInterval(watch);
  }
  const serious = problems.find(({state}) => ofTheServer.test(state));
  if (serious?.state === sqlstates.diskFull) throw fullServerDiskError(connection, serious.message);
  if (serious) throw new TimetilesError('restore', `the database could not be loaded whole: ${serious.message}`, 'The live database was not touched. Look at the server (df -h, its log), then restore again.');
  await finishExtensions(connection, plan.extensions, names.scratch, run);
  return problems;
}

/** Tells every two seconds how large the new database has become; the old one's size is a fair guess of the end. */
function watchSize(connection: Connection, {entry, details, onProgress}: LoadPlan): NodeJS.Timeout {
  const {names, run} = entry;
  const query = `select pg_database_size(${literal(names.scratch)});`;
  const look = async () => {
    const bytes = z.number().parse(await queryJson(connection, query, {database: maintenanceDatabase(names.live), run}));
    onProgress({bytes, ...(details && {totalBytes: details.server.bytes})});
  };
  return setInterval(() => void look().catch(() => undefined), 2000);
}

/** Without a manifest the new database gets the properties that the live one has, or the server's defaults. */
async function propertiesOfTarget(connection: Connection, names: {live: string; hadLive: boolean}, run: string): Promise<DatabaseProperties> {
  const database = names.hadLive ? names.live : maintenanceDatabase(names.live);
  const facts = factsSchema.parse(await queryJson(connection, factsQuery, {database, run}));
  if (names.hadLive) return facts.database;
  return {...facts.database, owner: connection.user, comment: null, privileges: null, settings: [], connectionLimit: -1, isTemplate: false};
}

async function requireSameCounts(connection: Connection, details: DatabaseDetails, database: string, run: string): Promise<void> {
  const {wrong} = await compareRows(connection, details, {database, run});
  if (wrong.length === 0) return;
  throw new TimetilesError(
    'restore',
    `${plural(wrong.length, 'table')} came back with other row counts than the manifest has: ${wrong[0]}`,
    'The live database was not touched. Check the repository (restic check --read-data) and choose another set.',
  );
}
