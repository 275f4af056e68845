import {hash} from 'node:crypto';
import {z} from 'zod';
import {TimetilesError} from '../../shared/errors.ts';
import {formatBytes, plural} from '../../shared/format.ts';
import type {JournalEntry, KeptData, OnProgress, RestoreRequest, RestoreStep, SourceContext, SourceRecord} from '../source.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {createDatabaseSql, createRolesSql, databasePropertiesSql} from './create.ts';
import {
  factsQuery,
  factsSchema,
  parseTableCounts,
  readDetails,
  tableCountsQuery,
  wrongCounts,
  type DatabaseDetails,
  type DatabaseProperties,
  type ImportedDetails,
} from './facts.ts';
import {dumpPath} from './dump.ts';
import {loadDump, requireWholeDump} from './load.ts';
import {longQueryLimit, queryJson, runName, runSql, type PsqlOptions} from './psql.ts';
import {identifier, literal} from './sql.ts';
import {dropDatabase, existingDatabases, maintenanceDatabase, revertDatabases} from './swap.ts';
import {connectTarget} from './target.ts';

const entrySchema = z.object({
  names: z.object({live: z.string(), scratch: z.string(), previous: z.string(), hadLive: z.boolean()}),
  /** The name of the restore in pg_stat_activity. */
  run: z.string(),
  /** Roles that the restore makes because the server does not have them. */
  newRoles: z.array(z.string()),
});

/** Reads the journal's entry back. */
export function entryOf(entry: JournalEntry): z.output<typeof entrySchema> {
  return entrySchema.parse(entry);
}

/** Checks a restore against the running server and says what it would do. Touches nothing. */
export async function planDatabaseRestore(context: SourceContext, request: RestoreRequest): Promise<RestoreStep> {
  const connection = await connectTarget(context, request.record);
  const id = ownId(request.restoreId, context.database);
  const run = runName(context.restic.repository, id);
  const {details, imported} = readDetails(request.record);
  const names = {live: connection.database, scratch: `timetiles_new_${id}`, previous: `timetiles_old_${id}`, hadLive: true};
  names.hadLive = (await existingDatabases(connection, [names.live], run)).has(names.live);
  const server = await readServer(connection, run);
  const needs = needsOf(request.record);
  if (needs) requireFitting(connection, needs, server);
  const newRoles = (details?.roles.map((role) => role.name) ?? imported?.roles ?? []).filter((name) => !server.roles.includes(name));
  const entry = {names, run, newRoles} satisfies z.output<typeof entrySchema>;
  return {
    entry,
    target: `the database ${names.live}`,
    hasLiveData: names.hadLive,
    mustStop: [],
    warnings: details ? [] : warningsWithout(imported, newRoles),
    plan: [
      `database ${names.live} in the container ${connection.container.name}: ${names.hadLive ? 'replaced' : 'created'}`,
      ...(details ? [`from PostgreSQL ${short(details.server.version)}, ${plural(details.tables.length, 'table')}, ${formatBytes(details.server.bytes)}, into PostgreSQL ${short(server.version)}`] : []),
      ...(request.record?.imported ? [`imported from ${request.record.imported.file}: its row counts are not known, so only errors while it loads can be seen`] : []),
      ...(newRoles.length > 0 ? [`creates the missing ${plural(newRoles.length, 'role')}: ${newRoles.join(', ')}`] : []),
    ],
    stage(onProgress, bestEffort) {
      // restic before 0.15 looks for a missing pack for most of a minute, and a part of a dump is no database.
      if (bestEffort?.damaged.includes(dumpPath)) throw new TimetilesError('repository-damaged', `the dump in snapshot ${request.snapshot.slice(0, 8)} is damaged`, 'The part of it that can be read: timetiles restore SET --only db --best-effort --target DIR');
      return stage(context, connection, request, {entry, details, versionNumber: server.versionNumber}, onProgress);
    },
  };
}

/** Several databases of one restore must not share the names of what they make. */
function ownId(restoreId: string, database: string | undefined): string {
  return database === undefined ? restoreId : `${restoreId}${hash('sha256', database).slice(0, 8)}`;
}

/** `17.6 (Debian 17.6-1)` as `17.6`. */
function short(version: string): string {
  return version.split(' ')[0] ?? version;
}

/** Undefined also where the restore made a database that was not there before: then there is nothing to return to. */
export async function inspectKeptDatabase(context: SourceContext, journalEntry: JournalEntry): Promise<KeptData | undefined> {
  const {names, run} = entryOf(journalEntry);
  const connection = await connectDatabase(context);
  if (!(await existingDatabases(connection, [names.previous], run)).has(names.previous)) return undefined;
  const size = await queryJson(connection, `select pg_database_size(${literal(names.previous)});`, {database: maintenanceDatabase(names.live), run});
  return {bytes: z.number().parse(size), description: `database ${names.live} in the container ${connection.container.name}, kept as ${names.previous}`, mustStop: []};
}

/** Takes a restore of the database back. */
export async function revertDatabaseRestore(context: SourceContext, journalEntry: JournalEntry): Promise<void> {
  const {names, run, newRoles} = entryOf(journalEntry);
  const connection = await connectDatabase(context);
  await revertDatabases(connection, names, run);
  if (newRoles.length === 0) return;
  for (const role of newRoles) await dropRole(context, connection, role, {database: maintenanceDatabase(names.live), run});
}

/** By the time that a finished restore is taken back, other databases may use a role that it made. */
async function dropRole(context: SourceContext, connection: Connection, role: string, options: PsqlOptions): Promise<void> {
  try {
    await runSql(connection, `drop role if exists ${identifier(role)};`, options);
  } catch (error) {
    if (!(error instanceof TimetilesError) || !/cannot be dropped because some objects depend on it/.test(error.message)) throw error;
    context.log.warn(`the role ${role}, which the restore made, stays: something else uses it by now`);
  }
}

interface StagePlan {
  readonly entry: z.output<typeof entrySchema>;
  readonly details: DatabaseDetails | undefined;
  readonly versionNumber: number;
}

async function stage(context: SourceContext, connection: Connection, request: RestoreRequest, plan: StagePlan, onProgress: OnProgress): Promise<void> {
  const {names, run, newRoles} = plan.entry;
  const {details} = plan;
  const maintenance = {database: maintenanceDatabase(names.live), run};
  if (!request.record) await requireWholeDump(context.restic, request.snapshot);
  const properties = details?.database ?? (await propertiesOfTarget(connection, names, run));
  await dropDatabase(connection, names.scratch, run);
  // Another database of the same set may have made some of them a moment ago.
  const {roles} = await readServer(connection, run);
  const missing = newRoles.filter((name) => !roles.includes(name));
  if (details) await runSql(connection, createRolesSql(details, new Set(missing), plan.versionNumber).join('\n'), maintenance);
  else await runSql(connection, missing.map((role) => `create role ${identifier(role)} nologin;`).join('\n'), maintenance);
  await runSql(connection, createDatabaseSql(names.scratch, properties), maintenance);
  const watch = context.log.showsProgress ? watchSize(connection, plan, onProgress) : undefined;
  try {
    await loadDump(connection, context.restic, request.snapshot, names.scratch, run);
  } finally {
    clearInterval(watch);
  }
  if (details) await requireSameCounts(connection, details, names.scratch, run);
  await runSql(connection, 'analyze;', {database: names.scratch, run, limit: longQueryLimit});
  await runSql(connection, databasePropertiesSql(names.scratch, properties).join('\n'), maintenance);
}

/** Tells every two seconds how large the new database has become; the old one's size is a fair guess of the end. */
function watchSize(connection: Connection, {entry, details}: StagePlan, onProgress: OnProgress): NodeJS.Timeout {
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

const serverSchema = z.object({
  version: z.string(),
  versionNumber: z.number(),
  roles: z.array(z.string()),
  extensions: z.array(z.string()),
});

async function readServer(connection: Connection, run: string): Promise<z.output<typeof serverSchema>> {
  const query = `select json_build_object('version', current_setting('server_version'), 'versionNumber', current_setting('server_version_num')::int,
    'roles', (select json_agg(rolname) from pg_roles), 'extensions', (select json_agg(name) from pg_available_extensions));`;
  return serverSchema.parse(await queryJson(connection, query, {database: maintenanceDatabase(connection.database), run}));
}

/** What a server must have. */
interface Needs {
  /** Such as `17.6`. */
  readonly version: string | undefined;
  readonly image?: string;
  readonly extensions: readonly {readonly name: string; readonly version?: string}[];
}

function needsOf(record: SourceRecord | undefined): Needs | undefined {
  const {details, imported} = readDetails(record);
  if (details) return {version: short(details.server.version), image: details.image.name, extensions: details.extensions};
  return imported && {version: imported.server === null ? undefined : short(imported.server), extensions: imported.extensions.map((name) => ({name}))};
}

/** What a restore cannot bring back or check where no manifest of this tool's own tells of it. */
function warningsWithout(imported: ImportedDetails | undefined, newRoles: readonly string[]): string[] {
  if (!imported) return ['this set has no manifest: roles, settings of the database and row counts cannot be restored or checked'];
  const roles = newRoles.length === 0 ? [] : [`the dump does not tell how the ${plural(newRoles.length, 'role')} ${newRoles.join(', ')} ${newRoles.length === 1 ? 'was' : 'were'} set up: made without login and password`];
  return ['this set was imported: settings and owner of the database itself stay as they are now', ...roles];
}

/** The version gate: an older server or a missing extension is named before anything is touched. */
function requireFitting(connection: Connection, needs: Needs, server: z.output<typeof serverSchema>): void {
  const {name, image} = connection.container;
  const madeWith = needs.image === undefined ? '' : `the set was made with ${needs.image}; `;
  const wanted = Number.parseInt(needs.version ?? '0', 10);
  if (Math.floor(server.versionNumber / 10_000) < wanted) {
    throw new TimetilesError(
      'restore',
      `the set is from PostgreSQL ${needs.version}, but ${name} runs the older ${short(server.version)}`,
      `Run an image with PostgreSQL ${wanted} or newer (${madeWith}now: ${image}).`,
    );
  }
  const missing = needs.extensions.filter((extension) => !server.extensions.includes(extension.name));
  if (missing.length === 0) return;
  const list = missing.map((extension) => [extension.name, extension.version].join(' ').trim()).join(', ');
  throw new TimetilesError(
    'restore',
    `the set needs ${missing.length === 1 ? 'an extension' : 'extensions'} that the image of ${name} does not have: ${list}`,
    `Run an image that has ${missing.length === 1 ? 'it' : 'them'} (${madeWith}now: ${image}).`,
  );
}

async function requireSameCounts(connection: Connection, details: DatabaseDetails, database: string, run: string): Promise<void> {
  const restored = parseTableCounts(await runSql(connection, tableCountsQuery, {database, run, limit: longQueryLimit}));
  const wrong = wrongCounts(details.tables, restored);
  if (wrong.length === 0) return;
  throw new TimetilesError(
    'restore',
    `${plural(wrong.length, 'table')} came back with other row counts than the manifest has: ${wrong[0]}`,
    'The live database was not touched. Check the repository (restic check --read-data) and choose another set.',
  );
}
