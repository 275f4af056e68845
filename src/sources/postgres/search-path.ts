import type {DatabaseProperties} from './facts.ts';
import {identifier} from './sql.ts';

const standardPath = '"$user", public';

/**
 * The search path that the app's own sessions have, with all other schemas behind it: functions of the database may rely on
 * it, although a dump sets an empty one. Pure.
 * @param properties with what `ALTER DATABASE … SET` and `ALTER ROLE … IN DATABASE … SET` say
 * @param roleSettings what `ALTER ROLE … SET` says
 * @param schemas all that the database has
 */
export function ownSearchPath(properties: Pick<DatabaseProperties, 'settings'>, roleSettings: readonly string[], schemas: readonly string[]): string {
  const inDatabase = properties.settings.flatMap(({role, entries}) => entries.map((entry) => ({isForAll: role === null, entry})));
  const entries = [...inDatabase.filter(({isForAll}) => isForAll), ...inDatabase.filter(({isForAll}) => !isForAll)].map(({entry}) => entry);
  const paths = [...entries, ...roleSettings].map((entry) => /^search_path=(.*)$/is.exec(entry)?.[1]).filter((path) => path !== undefined && path.trim() !== '' && path !== '""');
  return [...paths, standardPath, ...schemas.filter((schema) => schema !== 'public').map(identifier)].join(', ');
}
