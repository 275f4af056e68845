import {createHash} from 'node:crypto';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {checkout} from './paths.ts';
import type {Stack} from './stack.ts';

/** The role beside the stack's own user that owns and may do some things in the torture schema. */
export const secondRole = `Second "role" O'Neil`;

/** Fills the stack's fresh database with everything a backup has ever lost. Needs an image with PostGIS. */
export async function loadTortureSchema(stack: Stack): Promise<void> {
  for (const file of ['database.sql', 'database-objects.sql']) {
    const sql = await readFile(join(checkout, 'test/support', file), 'utf8');
    await stack.psql(sql, {variables: {second: secondRole}});
  }
}

/** A database as it can be seen from outside: equal values came back as they were. */
export interface DatabaseFingerprint {
  /** Over all of the below. */
  sha256: string;
  dump: string;
  dumpBytes: number;
  /** What pg_dump of one database leaves out, as readable lines. */
  settings: string[];
}

// Grants and settings are compared as sets, whose order in the catalogue means nothing.
const settingsQuery = `
select concat_ws('|', 'database', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider, datcollate, datctype,
    datlocale, datistemplate, datallowconn, datconnlimit, shobj_description(oid, 'pg_database'))
  from pg_database where datname = current_database()
union all
select concat_ws('|', 'privilege', (privilege).grantor::regrole, nullif((privilege).grantee, 0)::regrole, (privilege).privilege_type,
    (privilege).is_grantable)
  from (select aclexplode(coalesce(datacl, acldefault('d', datdba))) as privilege from pg_database where datname = current_database()) as a
union all
select concat_ws('|', 'setting', case setdatabase when 0 then 'everywhere' else 'here' end, nullif(setrole, 0)::regrole, setting)
  from pg_db_role_setting, unnest(setconfig) as setting
  where setdatabase in (0, (select oid from pg_database where datname = current_database()))
union all
select concat_ws('|', 'extension', extname, extversion, extnamespace::regnamespace) from pg_extension
union all
select concat_ws('|', 'role', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit,
    rolpassword)
  from pg_authid where rolname !~ '^pg_'
union all
select concat_ws('|', 'member', roleid::regrole, member::regrole, admin_option) from pg_auth_members where roleid >= 16384
order by 1`;

/** Takes the fingerprint; `to` also keeps the dump in a file, to look at when two differ. */
export async function databaseFingerprint(
  stack: Stack,
  options: {database?: string; heartbeat?: boolean; to?: string} = {},
): Promise<DatabaseFingerprint> {
  const dump = await stack.pgDump(options);
  const database = options.database === undefined ? {} : {database: options.database};
  const rows = await stack.psql(`set search_path = ''; ${settingsQuery}`, database);
  const settings = rows.split('\n');
  const sha256 = createHash('sha256').update(`${dump.sha256}\n${rows}`).digest('hex');
  return {sha256, dump: dump.sha256, dumpBytes: dump.bytes, settings};
}
