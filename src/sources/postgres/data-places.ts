import type {Container, Mount} from '../../docker/containers.ts';
import type {Connection} from './connection.ts';
import {readDirectories} from './server-directories.ts';
import {runScript, type Ask} from './psql.ts';

/** What would be lost with a container: nothing of a place in a named volume or a directory of the host, or in another file system that somebody mounted on purpose. */
type Keeping = 'mount' | 'unnamed volume' | 'container' | 'unknown';

/** A directory in which a server keeps data. */
export interface DataPlace {
  readonly what: 'data directory' | 'WAL' | 'tablespace';
  /** As the server names it. */
  readonly path: string;
  /** Where it really is, without symbolic links; as named where nobody tells. */
  readonly real: string;
  readonly keeping: Keeping;
}

/** The number of the root's file system first; then for each directory that of its own, and its path without links. */
const script = 'stat -c %d /; for p; do (cd "$p" 2>/dev/null && echo "$(stat -c %d .) $(pwd -P)") || echo -; done';

/**
 * Asks the server where its data is, and the container what is mounted there.
 * @returns the data directory first; nothing where this user may not know it
 */
export async function findDataPlaces(connection: Connection, ask: Ask): Promise<DataPlace[]> {
  const {container} = connection;
  const {dataDirectory, tablespaces} = await readDirectories(connection, ask);
  const data = dataDirectory ?? container.environment['PGDATA'] ?? container.environment['DATADIR'];
  if (data === undefined || data === '') return [];
  const places = [
    {what: 'data directory', path: data} as const,
    {what: 'WAL', path: `${data}/pg_wal`} as const,
    ...tablespaces.map(({path}) => ({what: 'tablespace', path}) as const),
  ];
  const [root = '', ...lines] = await runScript(connection, script, places.map(({path}) => path));
  return places.map((place, index) => ({...place, ...judgePlace(container, place.path, root, lines[index] ?? '')}));
}

/** Pure. @param root the number of the root's file system @param line that of the place's, and the place */
export function judgePlace({mounts}: Pick<Container, 'mounts'>, path: string, root: string, line: string): Pick<DataPlace, 'real' | 'keeping'> {
  const [, device, real] = /^(\d+) (\/.*)$/.exec(line) ?? [];
  const mount = mountOf(mounts, real ?? path);
  if (mount) return {real: real ?? path, keeping: isUnnamed(mount) ? 'unnamed volume' : 'mount'};
  if (real === undefined) return {real: path, keeping: 'unknown'};
  // A file system of its own that is none of Docker's mounts is one in memory, or of a kind that the engine does not list.
  return {real, keeping: device === root ? 'container' : 'mount'};
}

/** The innermost mount that a path of the container is in. Pure. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const around = mounts.filter(({destination}) => path === destination || path.startsWith(`${destination}/`));
  return around.toSorted((a, b) => b.destination.length - a.destination.length)[0];
}

/** Docker's own name for a volume that nobody named. */
function isUnnamed({volume}: Pick<Mount, 'volume'>): boolean {
  return volume !== undefined && /^[0-9a-f]{64}$/.test(volume);
}

/** What the operator should know: a backup does not help an app that loses its database with every update. Pure. */
export function notesOnPlaces(container: string, places: readonly DataPlace[]): string[] {
  return places.flatMap(({what, path, real, keeping}, index) => {
    // What is in the data directory is told with it.
    if (index > 0 && places[0]?.keeping === keeping && real.startsWith(`${places[0].real}/`)) return [];
    const name = `PostgreSQL's ${what} ${path}`;
    const remedy = `In the compose file, mount a named volume at ${path}${what === 'data directory' ? ', or have the image keep its data where one is mounted (DATADIR of kartoza\'s images, PGDATA of others)' : ''}. The server then begins empty: make a backup before, and restore it after`;
    if (keeping === 'container') return [`${name} lies in no volume, but within the container ${container}: when that is made anew (by an update, or docker compose down), the database is lost. ${remedy}`];
    if (keeping === 'unnamed volume') return [`${name} lies in a volume without a name: after docker compose down, the container ${container} begins with another, empty one. ${remedy}`];
    return [];
  });
}
