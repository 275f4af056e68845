import {statfsSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {z} from 'zod';
import {watchDisks, type ContainerDisk} from '../../docker/disks.ts';
import {messageOf} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import {waitUntil} from '../../shared/wait.ts';
import {diskOf, reserveFor, stoppedForRoom, type Disk, type RoomNeed} from '../room.ts';
import type {SourceContext} from '../source.ts';
import type {Connection} from './connection.ts';
import {mountOf} from './data-places.ts';
import type {SessionOptions} from './programs.ts';
import {askerOf, runScript} from './psql.ts';
import {readDirectories} from './server-directories.ts';
import {endSessions} from './swap.ts';

const mebibyte = 1024 ** 2;
/**
 * What a load takes of the disk, of the size of the source. Measured with three indexes on 900,000 rows: the new database
 * 1.0, files of sorts for its indexes up to 0.28 (they go again). A source with much dead space comes back smaller.
 */
const loadFactor = 1.3;
/** A server that cannot write its WAL stops with a PANIC: this much of its disk is left alone. */
const leastReserve = 64 * mebibyte;
/** How often the disks are looked at during a load, in milliseconds. */
const watchInterval = 100;
/** The same while there is plenty of room. */
const calmInterval = 1000;
/** No load takes longer: a month, in milliseconds. */
const longestLoad = 30 * 86_400_000;

const writingSchema = z.object({
  walBytes: z.number(),
  walKept: z.boolean(),
  /** What of the database's size lies in which tablespace, by its id; nothing where the server has none of its own. */
  shares: z.record(z.string(), z.number()),
});

const writingQuery = `
select json_build_object(
  'walBytes', pg_size_bytes(current_setting('max_wal_size')) + coalesce((select setting::bigint * 1048576 from pg_settings where name = 'wal_keep_size'), 0),
  'walKept', exists (select from pg_replication_slots where not active and restart_lsn is not null)
    or (current_setting('archive_mode') <> 'off' and exists (select from pg_stat_archiver where last_failed_time > coalesce(last_archived_time, '-infinity'))),
  'shares', (select coalesce(json_object_agg(id, share) filter (where share is not null), '{}') from (
      select case reltablespace when 0 then d.dattablespace else reltablespace end as id,
        sum(pg_relation_size(c.oid)) / nullif(sum(sum(pg_relation_size(c.oid))) over (), 0) as share
      from pg_class c, pg_database d where d.datname = current_database() and c.relkind in ('r', 'i', 'm', 't', 'S')
        and exists (select from pg_tablespace where spcname not in ('pg_default', 'pg_global')) group by 1) used));`;

/** Where a server keeps what a load writes. */
export interface ServerPlaces extends Omit<z.output<typeof writingSchema>, 'shares'> {
  readonly dataDirectory: string;
  /** With the share of the database that is in each now. */
  readonly tablespaces: readonly {readonly path: string; readonly share: number}[];
  /** What the WAL takes already, and will be written over. */
  readonly walPresent: number;
}

/**
 * Asks the server, and its container where the server does not tell. Undefined where nobody does.
 * @param options the live database, which knows its tablespaces
 */
export async function findPlaces(connection: Connection, options: SessionOptions): Promise<ServerPlaces | undefined> {
  const ask = askerOf(connection, options);
  const {dataDirectory, tablespaces} = await readDirectories(connection, ask);
  if (dataDirectory === undefined) return undefined;
  const [line = ''] = await ask(writingQuery);
  const {shares, ...writing} = writingSchema.parse(JSON.parse(line));
  const [kibibytes = ''] = await runScript(connection, 'du -skL "$1" 2>/dev/null', [`${dataDirectory}/pg_wal`]);
  const walPresent = Number.parseInt(kibibytes, 10) * 1024 || 0;
  return {...writing, dataDirectory, tablespaces: tablespaces.map(({id, path}) => ({path, share: shares[id] ?? 0})), walPresent};
}

/** How much of what goes where. Pure. @param bytes the size of the database in its source */
export function shareOut(bytes: number, {dataDirectory, walBytes, walKept, walPresent, tablespaces}: ServerPlaces): {path: string; what: string; bytes: number}[] {
  const elsewhere = tablespaces.reduce((sum, {share}) => sum + share, 0);
  const wal = walKept ? bytes * 1.1 : Math.max(0, Math.min(bytes * 1.1, walBytes * 1.1) - walPresent);
  return [
    {path: dataDirectory, what: 'the new database', bytes: bytes * loadFactor * Math.max(0, 1 - elsewhere)},
    {path: `${dataDirectory}/pg_wal`, what: 'its WAL', bytes: wal},
    ...tablespaces.map(({path, share}) => ({path, what: 'its tablespace', bytes: bytes * loadFactor * share})),
  ];
}

/** What a load would take of each disk, as they are now. Empty where the disks cannot be looked at, which is told. */
export async function databaseRoom(context: SourceContext, connection: Connection, places: ServerPlaces, bytes: number): Promise<RoomNeed[]> {
  const shares = shareOut(bytes, places);
  const watcher = watchDisks(connection.docker, connection.container.id, shares.map(({path}) => path));
  try {
    const disks = await watcher.look();
    return shares.flatMap((share) => {
      const disk = asDisk(connection, share.path, disks);
      if (!disk) context.log.debug(`nobody tells how full the disk of ${share.path} in ${connection.container.name} is`);
      return disk ? [{what: share.what, bytes: share.bytes, reserve: reserveFor(disk, leastReserve), disk}] : [];
    });
  } finally {
    await watcher.close();
  }
}

/** As the container sees it, else as this host sees the directory that is mounted there. */
function asDisk({docker, container}: Connection, path: string, disks: readonly ContainerDisk[]): Disk | undefined {
  const seen = disks.find((disk) => disk.path === path);
  const names = {name: `the disk of ${path} in ${container.name}`, path, look: `docker exec ${shellWord(container.name)} df -h ${shellWord(path)}`};
  if (seen) return {...names, device: docker.isLocal ? seen.device : undefined, isInMemory: seen.source === 'tmpfs', totalBytes: seen.totalBytes, freeBytes: seen.freeBytes};
  const mount = mountOf(container.mounts, path);
  if (!docker.isLocal || !mount || !isReadable(mount.source)) return undefined;
  return {...diskOf(mount.source), name: names.name};
}

function isReadable(path: string): boolean {
  try {
    statfsSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Does work that fills the server's disks, and ends its sessions before a disk is full: a server that cannot write its
 * WAL goes down, and the app with it.
 * @throws TimetilesError `no-room` when it was ended
 */
export async function whileServerHasRoom<Result>(context: SourceContext, connection: Connection, places: ServerPlaces | undefined, run: string, work: () => Promise<Result>): Promise<Result> {
  if (!places) return work();
  const paths = [places.dataDirectory, `${places.dataDirectory}/pg_wal`, ...places.tablespaces.map(({path}) => path)];
  const watcher = watchDisks(connection.docker, connection.container.id, paths);
  const done = new AbortController();
  let failure: unknown;
  const endWhenFull = async () => {
    const disks = await watcher.look();
    const present = paths.map((path) => asDisk(connection, path, disks)).filter((disk) => disk !== undefined);
    const full = present.find((disk) => disk.freeBytes < reserveFor(disk, leastReserve) / 2);
    if (!full) {
      const isRoomy = present.every((disk) => disk.freeBytes > 4 * reserveFor(disk, leastReserve));
      if (isRoomy) await sleep(calmInterval, undefined, {signal: done.signal});
      return false;
    }
    failure = stoppedForRoom(full, reserveFor(full, leastReserve) / 2);
    await endSessions(connection, run);
    return true;
  };
  const watching = waitUntil(endWhenFull, {limit: longestLoad, interval: watchInterval, signal: done.signal}).catch((error: unknown) => {
    if (!done.signal.aborted) context.log.debug(`the disks of ${connection.container.name} are not watched: ${messageOf(error)}`);
  });
  try {
    return await work();
  } catch (error) {
    throw failure ?? error;
  } finally {
    done.abort(new Error('the work is done'));
    await watcher.close();
    await watching;
  }
}
