import {z} from 'zod';
import type {Connection} from './connection.ts';
import type {DatabaseProperties} from './facts.ts';
import {queryJson, runSql} from './psql.ts';
import {literal, maintenanceDatabase} from './sql.ts';

const targetSchema = z.object({
  version: z.string(),
  versionNumber: z.number(),
  roles: z.array(z.string()),
  databases: z.array(z.string()),
  tablespaces: z.array(z.string()),
  extensions: z.array(z.string()),
  /** Those that only a superuser may create. */
  untrusted: z.array(z.string()),
  /** As `name version`. */
  extensionVersions: z.array(z.string()),
  /** Null where the user may not know. */
  preload: z.string().nullable(),
  /** The database that pg_cron works for; null where it is not loaded, or the user may not know. */
  cronDatabase: z.string().nullable(),
  user: z.object({
    isSuperuser: z.boolean(),
    mayCreateDatabases: z.boolean(),
    mayCreateRoles: z.boolean(),
    /** Roles that it may act for. */
    actsFor: z.array(z.string()),
  }),
  /** Null where there is no live database. */
  liveOwner: z.string().nullable(),
  /** Logical replication slots of the live database. */
  slots: z.array(z.string()),
});
/** The server that a set is to be restored into. */
export type Target = z.output<typeof targetSchema>;

/** Asks the server for all that decides whether a set can be restored into it. */
export async function readTarget(connection: Connection, run: string): Promise<Target> {
  const query = `
select json_build_object(
  'version', current_setting('server_version'), 'versionNumber', current_setting('server_version_num')::int,
  'roles', (select json_agg(rolname) from pg_roles),
  'databases', (select json_agg(datname) from pg_database),
  'tablespaces', (select json_agg(spcname) from pg_tablespace),
  'extensions', (select coalesce(json_agg(name), '[]') from pg_available_extensions),
  'untrusted', (select coalesce(json_agg(distinct name), '[]') from pg_available_extension_versions v where v.superuser and to_jsonb(v)->>'trusted' is distinct from 'true'),
  'extensionVersions', (select coalesce(json_agg(name || ' ' || version), '[]') from pg_available_extension_versions),
  'preload', (select setting from pg_settings where name = 'shared_preload_libraries'),
  'cronDatabase', (select setting from pg_settings where name = 'cron.database_name'),
  'user', (select json_build_object('isSuperuser', rolsuper, 'mayCreateDatabases', rolsuper or rolcreatedb, 'mayCreateRoles', rolsuper or rolcreaterole,
    'actsFor', (select json_agg(rolname) from pg_roles other where pg_has_role(other.oid, 'MEMBER'))) from pg_roles where rolname = current_user),
  'liveOwner', (select pg_get_userbyid(datdba) from pg_database where datname = ${literal(connection.database)}),
  'slots', (select coalesce(json_agg(slot_name), '[]') from pg_replication_slots where database = ${literal(connection.database)}));`;
  return targetSchema.parse(await queryJson(connection, query, {database: maintenanceDatabase(connection.database), run}));
}

/** Whether the server has the locale of a database. It is tried, by ways that make nothing. */
export async function hasLocale(connection: Connection, {collate, ctype, provider, locale}: DatabaseProperties, run: string): Promise<boolean> {
  // These take what the operating system has, and any user may set one.
  const libc = [collate, ctype].filter((name) => name !== null).map((name) => `set lc_monetary to ${literal(name)};`);
  const names: Readonly<Record<string, string>> = {i: 'icu', b: 'builtin'};
  const own = provider in names && locale != null ? [`create collation pg_temp.timetiles (provider = ${names[provider]}, locale = ${literal(locale)});`] : [];
  const [answer] = await runSql(connection, ['\\set ON_ERROR_STOP off', 'begin;', ...libc, ...own, `select 'there';`, 'rollback;'].join('\n'), {database: maintenanceDatabase(connection.database), run});
  return answer === 'there';
}
