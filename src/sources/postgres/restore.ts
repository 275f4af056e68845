import {hash} from 'node:crypto';
import {TimetilesError} from '../../shared/errors.ts';
import {formatBytes, plural} from '../../shared/format.ts';
import type {JournalEntry, RestoreRequest, RestoreStep, SourceContext} from '../source.ts';
import {connectDatabase, type Connection} from './connection.ts';
import {entryOf, type RestoreEntry} from './entry.ts';
import {dropBorrowed} from './extensions.ts';
import {readDetails, type DatabaseProperties, type ImportedDetails} from './facts.ts';
import {fittingWarnings, needsOf, requireFitting, requireRights, shortVersion} from './fitting.ts';
import {dumpPath} from './dump.ts';
import {runName, runSql, type PsqlOptions} from './psql.ts';
import {connectTarget} from './restore-into.ts';
import {databaseRoom, findPlaces, whileServerHasRoom} from './room.ts';
import {identifier, maintenanceDatabase} from './sql.ts';
import {sqlstates} from './sqlstate.ts';
import {stageDatabase} from './stage.ts';
import {enabledSubscriptions, switchSubscriptions} from './subscriptions.ts';
import {readDatabases, revertDatabases, swapDatabases} from './swap.ts';
import {hasLocale, readTarget} from './restore-target.ts';

/** Checks a restore against the running server and says what it would do. Touches nothing. */
export async function planDatabaseRestore(context: SourceContext, request: RestoreRequest): Promise<RestoreStep> {
  const connection = await connectTarget(context, request.record);
  const id = ownId(request.restoreId, context.database);
  const run = runName(context.restic.repository, id);
  requirePrimary(connection);
  const {details, imported} = readDetails(request.record);
  const names = {live: connection.database, scratch: `timetiles_new_${id}`, previous: `timetiles_old_${id}`, hadLive: true};
  const live = (await readDatabases(connection, [names.live], run)).get(names.live);
  names.hadLive = live !== undefined;
  const target = await readTarget(connection, run);
  const needs = needsOf(request.record);
  if (needs) requireFitting(connection, needs, target);
  const newRoles = (details?.roles.map((role) => role.name) ?? imported?.roles ?? []).filter((name) => !target.roles.includes(name));
  requireRights(connection, needs, target, {owner: details?.database.owner, newRoles});
  if (details) await requireLocale(connection, details.database, {image: details.image.name, run});
  // Nobody can look into one that is only half there.
  const subscriptions = live?.isValid === true ? await enabledSubscriptions(connection, names.live, run) : [];
  const entry: RestoreEntry = {names, run, newRoles, subscriptions};
  const places = await findPlaces(connection, {database: live?.isValid === true ? names.live : maintenanceDatabase(names.live), run});
  // A dump has no indexes, but its text is longer than what most rows take.
  const bytes = details?.server.bytes ?? request.record?.bytes;
  return {
    entry,
    target: `the database ${names.live}`,
    hasLiveData: names.hadLive,
    mustStop: [],
    warnings: [
      ...(details ? fittingWarnings(details, target, {live: names.live, newRoles, passwordKnown: context.settings.DB_PASSWORD === undefined ? undefined : context.settings.DB_USER}) : warningsWithout(imported, newRoles)),
      ...(places && bytes !== undefined ? [] : ['how much room the database will take is not known; the restore stops before a disk of the server is full']),
    ],
    room: async () => (places && bytes !== undefined ? databaseRoom(context, connection, places, bytes) : []),
    plan: [
      `database ${names.live} in the container ${connection.container.name}: ${names.hadLive ? 'replaced' : 'created'}`,
      ...(details ? [`from PostgreSQL ${shortVersion(details.server.version)}, ${plural(details.tables.length, 'table')}, ${formatBytes(details.server.bytes)}, into PostgreSQL ${shortVersion(target.version)}`] : []),
      ...(request.record?.imported ? [`from the dump ${request.record.imported.file}: its row counts are not known, so only errors while it loads can be seen`] : []),
      ...(subscriptions.length > 0 ? [`stops the ${plural(subscriptions.length, 'subscription')} ${subscriptions.join(', ')} of the data that is replaced`] : []),
      ...(newRoles.length > 0 ? [`creates the missing ${plural(newRoles.length, 'role')}: ${newRoles.join(', ')}`] : []),
    ],
    stage(onProgress, bestEffort) {
      // restic before 0.15 looks for a missing pack for most of a minute, and a part of a dump is no database.
      if (bestEffort?.damaged.includes(dumpPath)) throw new TimetilesError('repository-damaged', `the dump in snapshot ${request.snapshot.slice(0, 8)} is damaged`, 'The part of it that can be read: timetiles restore SET --only db --best-effort --target DIR');
      return whileServerHasRoom(context, connection, places, run, () => stageDatabase(context, connection, request, {entry, details, target, extensions: needs?.extensions ?? []}, onProgress));
    },
  };
}

/** Several databases of one restore must not share the names of what they make. */
function ownId(restoreId: string, database: string | undefined): string {
  return database === undefined ? restoreId : `${restoreId}${hash('sha256', database).slice(0, 8)}`;
}

/** Nothing can be written to a standby, which gets its data from its primary. */
function requirePrimary({server, container}: Connection): void {
  if (!server.isStandby) return;
  throw new TimetilesError('restore', `PostgreSQL in ${container.name} is a hot standby, which takes no changes but those of its primary`, 'Restore into the primary: name its container with POSTGRES_CONTAINER.');
}

/** A database of another sort order is not the same database: it is refused, not made with what there is. */
async function requireLocale(connection: Connection, properties: DatabaseProperties, {image, run}: {image: string; run: string}): Promise<void> {
  if (await hasLocale(connection, properties, run)) return;
  const names = [...new Set([properties.collate, properties.ctype, properties.locale ?? null])].filter((name) => name !== null);
  throw new TimetilesError(
    'restore',
    `the database of the set has the locale ${names.join(', ')}, which ${connection.container.name} does not have`,
    `Run the image that the set was made with (${image}), or one whose operating system has this locale (locale -a; now: ${connection.container.image}).`,
  );
}

/** Puts the staged database in the place of the live one. */
export async function swapRestoredDatabase(context: SourceContext, journalEntry: JournalEntry): Promise<void> {
  const {names, run, subscriptions} = entryOf(journalEntry);
  const connection = await connectDatabase(context);
  const existing = await readDatabases(connection, [names.scratch, names.live], run);
  if (existing.has(names.scratch) && existing.has(names.live)) await switchSubscriptions(connection, names.live, subscriptions, {to: 'disable', run});
  await swapDatabases(connection, names, run);
}

/** Takes a restore of the database back. */
export async function revertDatabaseRestore(context: SourceContext, journalEntry: JournalEntry): Promise<void> {
  const {names, run, newRoles, subscriptions} = entryOf(journalEntry);
  const connection = await connectDatabase(context);
  await revertDatabases(connection, names, run);
  await dropBorrowed(connection, names.scratch, run);
  if (subscriptions.length > 0 && (await readDatabases(connection, [names.live], run)).has(names.live)) await switchSubscriptions(connection, names.live, subscriptions, {to: 'enable', run});
  if (newRoles.length === 0) return;
  for (const role of newRoles) await dropRole(context, connection, role, {database: maintenanceDatabase(names.live), run});
}

/** By the time that a finished restore is taken back, other databases may use a role that it made. */
async function dropRole(context: SourceContext, connection: Connection, role: string, options: PsqlOptions): Promise<void> {
  try {
    await runSql(connection, `drop role if exists ${identifier(role)};`, options);
  } catch (error) {
    if (!(error instanceof TimetilesError) || error.sqlstate !== sqlstates.dependentObjects) throw error;
    context.log.warn(`the role ${role}, which the restore made, stays: something else uses it by now`);
  }
}

/** What a restore cannot bring back or check where no manifest of this tool's own tells of it. */
function warningsWithout(imported: ImportedDetails | undefined, newRoles: readonly string[]): string[] {
  if (!imported) return ['this set has no manifest: roles, settings of the database and row counts cannot be restored or checked'];
  const roles = newRoles.length === 0 ? [] : [`the dump does not tell how the ${plural(newRoles.length, 'role')} ${newRoles.join(', ')} ${newRoles.length === 1 ? 'was' : 'were'} set up: made without login and password`];
  return ['the dump does not tell how the database itself was set up: its settings and owner stay as they are now', ...roles];
}
