import {z} from 'zod';
import {plural} from '../../shared/format.ts';
import type {Ask} from './psql.ts';

const factsSchema = z.object({
  user: z.string(),
  readsPasswords: z.boolean(),
  mayCreateDatabases: z.boolean(),
  isSuperuser: z.boolean(),
  /** Roles that log in. */
  logins: z.array(z.string()),
  /** Extensions whose files the server does not have any more. */
  lostExtensions: z.array(z.string()),
  /** Extensions that only a superuser may create. */
  untrusted: z.array(z.string()),
  tablespaces: z.array(z.string()),
  foreignServers: z.array(z.string()),
  /** Tables with rows that belong to extensions and are not dumped. */
  extensionTables: z.array(z.string()),
  invalidIndexes: z.array(z.string()),
  subscriptions: z.array(z.string()),
  slots: z.array(z.string()),
  prepared: z.number(),
});
export type NoteFacts = z.output<typeof factsSchema>;

const factsQuery = `
select json_build_object(
  'user', current_user,
  'readsPasswords', has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'select'),
  'mayCreateDatabases', me.rolsuper or me.rolcreatedb,
  'isSuperuser', me.rolsuper,
  'logins', (select coalesce(json_agg(distinct r.rolname order by r.rolname), '[]') from pg_roles r join pg_shdepend s on s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid
    where r.rolcanlogin and s.dbid in (0, d.oid)),
  'lostExtensions', (select coalesce(json_agg(extname order by extname), '[]') from pg_extension where extname not in (select name from pg_available_extensions)),
  'untrusted', (select coalesce(json_agg(distinct e.extname order by e.extname), '[]') from pg_extension e join pg_available_extension_versions v on v.name = e.extname and v.version = e.extversion
    where v.superuser and to_jsonb(v)->>'trusted' is distinct from 'true'),
  'tablespaces', (select coalesce(json_agg(spcname order by spcname), '[]') from pg_tablespace t where spcname <> 'pg_default'
    and (t.oid = d.dattablespace or exists (select from pg_class c where c.reltablespace = t.oid and c.oid >= 16384))),
  'foreignServers', (select coalesce(json_agg(distinct s.srvname order by s.srvname), '[]') from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver),
  'extensionTables', (select coalesce(json_agg(format('%I.%I', n.nspname, c.relname) order by n.nspname, c.relname), '[]')
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_depend p on p.classid = 'pg_class'::regclass and p.objid = c.oid and p.deptype = 'e' and p.refclassid = 'pg_extension'::regclass
      join pg_extension e on e.oid = p.refobjid
    where c.relkind = 'r' and c.reltuples > 0 and not c.oid = any (coalesce(e.extconfig, '{}'))),
  'invalidIndexes', (select coalesce(json_agg(i.indexrelid::regclass::text order by 1), '[]') from pg_index i join pg_class c on c.oid = i.indexrelid where not i.indisvalid and c.relkind = 'i'),
  'subscriptions', (select coalesce(json_agg(subname order by subname), '[]') from pg_subscription where subdbid = d.oid),
  'slots', (select coalesce(json_agg(slot_name order by slot_name), '[]') from pg_replication_slots where database = d.datname),
  'prepared', (select count(*) from pg_prepared_xacts where database = d.datname))
from pg_database d, pg_roles me where d.datname = current_database() and me.rolname = current_user;`;

/** Looks for what a dump of the database could not bring back. Also shows that the database can be read at all. */
export async function readBackupNotes(ask: Ask): Promise<string[]> {
  const [line = ''] = await ask(factsQuery);
  return notesOn(factsSchema.parse(JSON.parse(line)));
}

/** Pure. */
export function notesOn(facts: NoteFacts): string[] {
  const {user, isSuperuser} = facts;
  const some = (names: readonly string[], text: (list: string) => string) => (names.length === 0 ? [] : [text(shortList(names))]);
  return [
    ...(facts.readsPasswords ? [] : some(facts.logins, (roles) => `the passwords of roles are not saved, since ${user} may not read them: after a recovery on a new server set them by hand (ALTER ROLE … PASSWORD …) for ${roles}. To save them, set DB_USER to a superuser`)),
    ...(facts.mayCreateDatabases ? [] : [`${user} may not create databases, so a restore into this server will need another user: set DB_USER to a superuser`]),
    ...(isSuperuser ? [] : some(facts.untrusted.filter((name) => name !== 'plpgsql'), (names) => `${user} may not create the extensions of the database (${names}), so a restore will need a superuser as DB_USER`)),
    ...some(facts.lostExtensions, (names) => `the server does not have the files of these extensions any more: ${names}. A restore needs an image that has them, or drop them: DROP EXTENSION …`),
    ...some(facts.tablespaces, (names) => `data lies in the tablespaces ${names}: a server without them gets it back in its default tablespace`),
    ...some(facts.foreignServers, (names) => `the rows of foreign tables are not in a dump, only how to reach them (${names}): back up those servers as well`),
    ...some(facts.extensionTables, (names) => `extensions keep rows that they do not let into a dump: ${names}. A restore brings them back as the extension makes them`),
    ...some(facts.invalidIndexes, (names) => `invalid indexes are not in a dump: ${names}. Make them anew: REINDEX INDEX …`),
    ...some(facts.subscriptions, (names) => `subscriptions come back disabled: ${names}`),
    ...some(facts.slots, (names) => `logical replication slots are not in a dump, and a restore makes them useless: ${names}. Their subscribers then have to be set up anew`),
    ...(facts.prepared === 0 ? [] : [`${plural(facts.prepared, 'prepared transaction')} waits to be ended, and what it did is not in a dump: see pg_prepared_xacts`]),
  ];
}

const namesToTell = 10;

function shortList(names: readonly string[]): string {
  return `${names.slice(0, namesToTell).join(', ')}${names.length > namesToTell ? ` and ${names.length - namesToTell} more` : ''}`;
}
