import {z} from 'zod';
import type {SourceRecord} from '../source.ts';

/** A table's row count, as `[schema, table, rows]`. */
const tableCount = z.tuple([z.string(), z.string(), z.number()]);
export type TableCount = z.output<typeof tableCount>;

const roleSchema = z.object({
  name: z.string(),
  attributes: z.object({
    rolsuper: z.boolean(),
    rolinherit: z.boolean(),
    rolcreaterole: z.boolean(),
    rolcreatedb: z.boolean(),
    rolcanlogin: z.boolean(),
    rolreplication: z.boolean(),
    rolbypassrls: z.boolean(),
    rolconnlimit: z.number(),
    rolvaliduntil: z.string().nullable(),
  }),
  /** The stored verifier, not the password; null when there is none or it may not be read. */
  password: z.string().nullable(),
  settings: z.array(z.string()).nullable(),
  comment: z.string().nullable(),
});
export type Role = z.output<typeof roleSchema>;

const membershipSchema = z.object({
  role: z.string(),
  member: z.string(),
  admin_option: z.boolean(),
  /** These two exist from PostgreSQL 16 on. */
  inherit_option: z.boolean().optional(),
  set_option: z.boolean().optional(),
});
export type Membership = z.output<typeof membershipSchema>;

const databaseSchema = z.object({
  name: z.string(),
  owner: z.string(),
  encoding: z.string(),
  collate: z.string().nullable(),
  ctype: z.string().nullable(),
  /** c: libc, i: ICU, b: builtin (17); libc before 15. */
  provider: z.string().default('c'),
  locale: z.string().nullish(),
  icuRules: z.string().nullish(),
  connectionLimit: z.number(),
  isTemplate: z.boolean(),
  comment: z.string().nullable(),
  /** Null: the default privileges. */
  privileges: z.array(z.object({grantee: z.string().nullable(), privilege: z.string(), grantable: z.boolean()})).nullable(),
  /** pg_db_role_setting: for all roles (null) or one. */
  settings: z.array(z.object({role: z.string().nullable(), entries: z.array(z.string())})),
});
export type DatabaseProperties = z.output<typeof databaseSchema>;

const databaseHomeSchema = z.object({
  service: z.string().nullable(),
  /** Whose names the container's environment uses; earlier versions decide by it. */
  environment: z.enum(['official', 'kartoza']),
  /** Where the cluster is; sets of earlier versions have PGDATA here. */
  dataDirectory: z.string().nullable(),
  /** Whether that is in no mount; sets of earlier versions lack it. */
  isInContainer: z.boolean().optional(),
  mounts: z.array(
    z.object({
      type: z.string(),
      /** The volume's name, or the directory on the host. */
      source: z.string(),
      /** The volume's name in the compose file. */
      key: z.string().nullable(),
      destination: z.string(),
      /** Whether the data directory is in it. */
      holdsData: z.boolean(),
    }),
  ),
});
export type DatabaseHome = z.output<typeof databaseHomeSchema>;

/** What the manifest keeps of a database, beside the dump: all that pg_dump of one database leaves out. */
export const databaseDetailsSchema = z.object({
  server: z.object({
    version: z.string(),
    versionNumber: z.number(),
    bytes: z.number(),
    /** Libraries that some extensions need from the server's start on; empty where the role may not see it, and sets of earlier versions lack it. */
    preload: z.string().optional(),
  }),
  image: z.object({name: z.string(), id: z.string()}),
  container: z.string(),
  /** What a new container needs to take its place; sets of earlier versions lack it. */
  home: databaseHomeSchema.optional(),
  extensions: z.array(z.object({name: z.string(), version: z.string()})),
  database: databaseSchema,
  /** The database that the container's environment named; absent where that is the one that was saved. */
  preferred: z.string().optional(),
  roles: z.array(roleSchema),
  memberships: z.array(membershipSchema),
  tables: z.array(tableCount),
  /** Other than the default one; sets of earlier versions lack it. */
  tablespaces: z.array(z.string()).optional(),
  /** Sets of earlier versions lack it. */
  subscriptions: z.array(z.string()).optional(),
});
export type DatabaseDetails = z.output<typeof databaseDetailsSchema>;

/** What the manifest keeps of a dump that was imported: as much as the dump itself tells. */
const importedDetailsSchema = z.object({
  /** Version of the server that was dumped. */
  server: z.string().nullable(),
  program: z.string().nullable(),
  /** The roles and extensions that it names. */
  roles: z.array(z.string()),
  extensions: z.array(z.string()),
});
export type ImportedDetails = z.output<typeof importedDetailsSchema>;

/** What a manifest says of a database: everything, what an imported dump tells, or nothing where there is no manifest. */
export function readDetails(record: SourceRecord | undefined): {details?: DatabaseDetails; imported?: ImportedDetails} {
  if (!record) return {};
  return record.imported ? {imported: importedDetailsSchema.parse(record.details)} : {details: databaseDetailsSchema.parse(record.details)};
}

export const factsSchema = databaseDetailsSchema.pick({server: true, extensions: true, database: true, tablespaces: true, subscriptions: true});

/** Server, extensions and the properties of the current database, as one JSON value. Works from PostgreSQL 12 on. */
export const factsQuery = `
select json_build_object(
  'server', json_build_object(
    'version', current_setting('server_version'),
    'versionNumber', current_setting('server_version_num')::int,
    'bytes', pg_database_size(d.oid),
    'preload', coalesce((select setting from pg_settings where name = 'shared_preload_libraries'), '')),
  'extensions', (select coalesce(json_agg(json_build_object('name', extname, 'version', extversion) order by extname), '[]') from pg_extension),
  'tablespaces', (select coalesce(json_agg(spcname order by spcname), '[]') from pg_tablespace t where spcname <> 'pg_default'
    and (t.oid = d.dattablespace or exists (select from pg_class c where c.reltablespace = t.oid and c.oid >= 16384))),
  'subscriptions', (select coalesce(json_agg(subname order by subname), '[]') from pg_subscription where subdbid = d.oid),
  'database', json_build_object(
    'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
    'collate', d.datcollate, 'ctype', d.datctype,
    'provider', coalesce(to_jsonb(d)->>'datlocprovider', 'c'),
    'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'),
    'icuRules', to_jsonb(d)->>'daticurules',
    'connectionLimit', d.datconnlimit, 'isTemplate', d.datistemplate,
    'comment', shobj_description(d.oid, 'pg_database'),
    'privileges', case when d.datacl is not null then (
      select coalesce(json_agg(json_build_object(
        'grantee', case when a.grantee = 0 then null else pg_get_userbyid(a.grantee) end,
        'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
      from aclexplode(d.datacl) a) end,
    'settings', (
      select coalesce(json_agg(json_build_object(
        'role', case when s.setrole = 0 then null else pg_get_userbyid(s.setrole) end, 'entries', s.setconfig)), '[]')
      from pg_db_role_setting s where s.setdatabase = d.oid)))
from pg_database d where d.datname = current_database();`;

export const rolesSchema = z.object({roles: z.array(roleSchema), memberships: z.array(membershipSchema)});
export type DatabaseRoles = z.output<typeof rolesSchema>;

/**
 * The roles that own or may use something in the current database, with the roles that these belong to and their
 * members. Predefined roles (pg_…) are everywhere; only memberships in them are kept.
 * The cluster's first superuser is always among them: what it owns is not in pg_shdepend, since it can never be dropped.
 * @param readPasswords only a superuser may read the verifiers
 */
export function rolesQuery(readPasswords: boolean): string {
  const password = readPasswords ? '(select rolpassword from pg_authid p where p.oid = r.oid)' : 'null::text';
  return `
with recursive here as (select oid, datdba from pg_database where datname = current_database()),
start(id) as (
  select d.refobjid from pg_shdepend d, here
  where d.refclassid = 'pg_authid'::regclass
    and (d.dbid = here.oid or (d.dbid = 0 and d.classid = 'pg_database'::regclass and d.objid = here.oid))
  union select 10
  union select datdba from here
  union select s.setrole from pg_db_role_setting s, here where s.setdatabase = here.oid and s.setrole <> 0),
needed(id) as (
  select id from start
  union
  select case when m.member = n.id then m.roleid else m.member end
  from needed n join pg_auth_members m on n.id in (m.member, m.roleid)
  where not exists (select from pg_roles p where p.oid in (m.member, m.roleid) and left(p.rolname, 3) = 'pg_')),
chosen as (select r.* from pg_roles r where r.oid in (select id from needed) and left(r.rolname, 3) <> 'pg_')
select json_build_object(
  'roles', (select coalesce(json_agg(json_build_object(
    'name', r.rolname, 'attributes', to_jsonb(r) - 'rolpassword', 'password', ${password},
    'settings', (select s.setconfig from pg_db_role_setting s where s.setrole = r.oid and s.setdatabase = 0),
    'comment', shobj_description(r.oid, 'pg_authid')) order by r.rolname), '[]') from chosen r),
  'memberships', (select coalesce(json_agg(
    to_jsonb(m) || jsonb_build_object('role', pg_get_userbyid(m.roleid), 'member', pg_get_userbyid(m.member))
    order by m.roleid, m.member), '[]')
    from pg_auth_members m where m.member in (select oid from chosen)
     and (m.roleid in (select oid from chosen) or pg_get_userbyid(m.roleid) like 'pg\\_%')));`;
}

/** Where a relation and its schema come from, as `c` and `n`, without what belongs to PostgreSQL itself or to one session. */
export const ownRelations = `pg_class c join pg_namespace n on n.oid = c.relnamespace and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and left(n.nspname, 3) <> 'pg_'`;

/** Whether `c` came with an extension. */
export const isOfExtension = `exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

/**
 * Whether the rows of `c` measure how complete a database is. What a materialised view holds is made anew by a restore, and
 * may be something else by then; what an extension's own table holds is the extension's affair, whatever its version brings; unlogged
 * tables of a standby cannot be read.
 */
export const isMeasure = `(c.relkind = 'r' and not ${isOfExtension}
  and not (c.relpersistence = 'u' and pg_is_in_recovery()))`;

/** Prints one JSON line `[schema, table, rows]` for every table that holds rows itself and measures completeness. */
export const tableCountsQuery = `
select format('select json_build_array(%L, %L, count(*)) from only %I.%I;', n.nspname, c.relname, n.nspname, c.relname)
from ${ownRelations}
where ${isMeasure}
order by n.nspname, c.relname
\\gexec`;

/** What of a database's rows is not as the manifest says, a line per table. Pure. */
export function wrongCounts(expected: readonly TableCount[], found: readonly TableCount[]): string[] {
  const key = (schema: string, table: string) => JSON.stringify([schema, table]);
  const counts = new Map(found.map(([schema, table, rows]) => [key(schema, table), rows]));
  const known = new Set(expected.map(([schema, table]) => key(schema, table)));
  const differing = expected
    .filter(([schema, table, rows]) => counts.get(key(schema, table)) !== rows)
    .map(([schema, table, rows]) => `${schema}.${table} has ${counts.get(key(schema, table)) ?? 'gone missing'}, not ${rows}`);
  const strange = found.filter(([schema, table]) => !known.has(key(schema, table))).map(([schema, table]) => `${schema}.${table} is not in the manifest`);
  return [...differing, ...strange];
}

export function parseTableCounts(lines: readonly string[]): TableCount[] {
  return lines.map((line) => tableCount.parse(JSON.parse(line)));
}
