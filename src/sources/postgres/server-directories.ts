import {z} from 'zod';
import type {Connection} from './connection.ts';
import {runScript, type Ask} from './psql.ts';

const directoriesSchema = z.object({
  /** Null where this user may not know. */
  dataDirectory: z.string().nullable(),
  /** Those beside the data directory. */
  tablespaces: z.array(z.object({id: z.number(), path: z.string()})),
});

/** pg_settings shows what this user may see, where SHOW would be an error. */
const directoriesQuery = `select json_build_object(
  'dataDirectory', (select setting from pg_settings where name = 'data_directory'),
  'tablespaces', (select coalesce(json_agg(json_build_object('id', oid::bigint, 'path', pg_tablespace_location(oid)) order by oid), '[]')
    from pg_tablespace where spcname not in ('pg_default', 'pg_global')));`;

/** Looks in each of some directories, and where images make clusters below them. */
const searchScript = 'for p; do for d in "$p" "$p"/main "$p"/*/main "$p"/*/docker "$p"/data; do [ -e "$d/PG_VERSION" ] && printf "%s\\n" "$d" && exit; done; done';

export interface ServerDirectories extends Omit<z.output<typeof directoriesSchema>, 'dataDirectory'> {
  /** Undefined where nobody tells. */
  readonly dataDirectory: string | undefined;
}

/** Asks the server for the directories that it keeps data in, and its container where the server does not tell. */
export async function readDirectories(connection: Connection, ask: Ask): Promise<ServerDirectories> {
  const [line = ''] = await ask(directoriesQuery);
  const {dataDirectory, tablespaces} = directoriesSchema.parse(JSON.parse(line));
  if (dataDirectory !== null) return {dataDirectory, tablespaces};
  // By the names of the images' variables, else where images keep it.
  const {container} = connection;
  const {PGDATA, DATADIR} = container.environment;
  const candidates = [PGDATA, DATADIR, '/var/lib/postgresql/data', ...container.mounts.map(({destination}) => destination)].flatMap((path) => path || []);
  const [found] = await runScript(connection, searchScript, candidates);
  return {dataDirectory: found, tablespaces};
}
