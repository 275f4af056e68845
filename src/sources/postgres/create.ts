import type {DatabaseProperties, DatabaseRoles, Membership, Role} from './facts.ts';
import {identifier, literal, settingClause} from './sql.ts';

/** `CREATE DATABASE` with the encoding and locale of the original; the rest of its properties follows after the load. */
export function createDatabaseSql(name: string, properties: DatabaseProperties): string {
  const {provider, locale, icuRules} = properties;
  const clauses = [
    `OWNER ${identifier(properties.owner)}`,
    'TEMPLATE template0',
    `ENCODING ${literal(properties.encoding)}`,
    ...(properties.collate === null ? [] : [`LC_COLLATE ${literal(properties.collate)}`]),
    ...(properties.ctype === null ? [] : [`LC_CTYPE ${literal(properties.ctype)}`]),
    ...(provider === 'i' ? ['LOCALE_PROVIDER icu', `ICU_LOCALE ${literal(locale ?? '')}`] : []),
    ...(provider === 'i' && icuRules != null ? [`ICU_RULES ${literal(icuRules)}`] : []),
    ...(provider === 'b' ? ['LOCALE_PROVIDER builtin', `BUILTIN_LOCALE ${literal(locale ?? '')}`] : []),
  ];
  return `CREATE DATABASE ${identifier(name)} ${clauses.join(' ')};`;
}

/** Everything about a database that lies outside of it: settings, privileges, comment, limits. */
export function databasePropertiesSql(name: string, properties: DatabaseProperties): string[] {
  const database = identifier(name);
  const settings = properties.settings.flatMap(({role, entries}) =>
    entries.map((entry) =>
      role === null
        ? `ALTER DATABASE ${database} ${settingClause(entry)};`
        : `ALTER ROLE ${identifier(role)} IN DATABASE ${database} ${settingClause(entry)};`,
    ),
  );
  return [
    ...settings,
    ...privilegesSql(database, properties),
    ...(properties.comment === null ? [] : [`COMMENT ON DATABASE ${database} IS ${literal(properties.comment)};`]),
    ...(properties.connectionLimit >= 0 ? [`ALTER DATABASE ${database} CONNECTION LIMIT ${properties.connectionLimit};`] : []),
    ...(properties.isTemplate ? [`ALTER DATABASE ${database} IS_TEMPLATE true;`] : []),
  ];
}

function privilegesSql(database: string, properties: DatabaseProperties): string[] {
  if (properties.privileges === null) return [];
  const revokes = [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC;`, `REVOKE ALL ON DATABASE ${database} FROM ${identifier(properties.owner)};`];
  const grants = properties.privileges.map(({grantee, privilege, grantable}) => {
    const to = grantee === null ? 'PUBLIC' : identifier(grantee);
    return `GRANT ${privilege} ON DATABASE ${database} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''};`;
  });
  return [...revokes, ...grants];
}

/**
 * Makes the roles that are missing on the server, as they were; those that exist keep what they have there.
 * @param verifiers for roles of which the set has none
 */
export function createRolesSql(roles: DatabaseRoles, missing: ReadonlySet<string>, serverVersionNumber: number, verifiers: Readonly<Record<string, string>> = {}): string[] {
  const created = roles.roles.filter((role) => missing.has(role.name)).map((role) => ({...role, password: role.password ?? verifiers[role.name] ?? null})).flatMap(createRoleSql);
  const grants = roles.memberships
    .filter((membership) => missing.has(membership.role) || missing.has(membership.member))
    .map((membership) => membershipSql(membership, serverVersionNumber));
  return [...created, ...grants];
}

function createRoleSql(role: Role): string[] {
  const name = identifier(role.name);
  const {attributes} = role;
  const words = [
    attributes.rolsuper ? 'SUPERUSER' : 'NOSUPERUSER',
    attributes.rolinherit ? 'INHERIT' : 'NOINHERIT',
    attributes.rolcreaterole ? 'CREATEROLE' : 'NOCREATEROLE',
    attributes.rolcreatedb ? 'CREATEDB' : 'NOCREATEDB',
    attributes.rolcanlogin ? 'LOGIN' : 'NOLOGIN',
    attributes.rolreplication ? 'REPLICATION' : 'NOREPLICATION',
    attributes.rolbypassrls ? 'BYPASSRLS' : 'NOBYPASSRLS',
    `CONNECTION LIMIT ${attributes.rolconnlimit}`,
    ...(attributes.rolvaliduntil === null ? [] : [`VALID UNTIL ${literal(attributes.rolvaliduntil)}`]),
    ...(role.password === null ? [] : [`PASSWORD ${literal(role.password)}`]),
  ];
  return [
    `CREATE ROLE ${name} WITH ${words.join(' ')};`,
    ...(role.settings ?? []).map((entry) => `ALTER ROLE ${name} ${settingClause(entry)};`),
    ...(role.comment === null ? [] : [`COMMENT ON ROLE ${name} IS ${literal(role.comment)};`]),
  ];
}

function membershipSql(membership: Membership, serverVersionNumber: number): string {
  const grant = `GRANT ${identifier(membership.role)} TO ${identifier(membership.member)}`;
  if (serverVersionNumber < 160_000 || membership.inherit_option === undefined) {
    return membership.admin_option ? `${grant} WITH ADMIN OPTION;` : `${grant};`;
  }
  return `${grant} WITH ADMIN ${membership.admin_option}, INHERIT ${membership.inherit_option}, SET ${membership.set_option ?? true};`;
}
