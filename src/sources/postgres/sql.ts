/** An SQL identifier, quoted. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An SQL string literal, right whatever standard_conforming_strings is. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? ` E${quoted}` : quoted;
}

/** The database that is connected to while others are looked for or renamed; one cannot rename the one it is in. */
export function maintenanceDatabase(live: string): string {
  return live === 'postgres' ? 'template1' : 'postgres';
}

/**
 * Settings whose value is a list of quoted names; they are written back name by name (GUC_LIST_QUOTE in PostgreSQL's
 * guc_tables.c; pg_dump keeps the same list).
 */
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** The `SET` clause for one entry of pg_db_role_setting.setconfig, such as `work_mem=64MB`. */
export function settingClause(entry: string): string {
  const equals = entry.indexOf('=');
  const name = entry.slice(0, equals);
  const value = entry.slice(equals + 1);
  const quotedName = name.split('.').map(identifier).join('.');
  const words = listSettings.has(name.toLowerCase()) ? splitNames(value).map(literal) : [literal(value)];
  return `SET ${quotedName} TO ${words.length === 0 ? "''" : words.join(', ')}`;
}

function splitNames(list: string): string[] {
  return [...list.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map((match) => match[2] ?? (match[1] ?? '').replaceAll('""', '"'));
}
