import {setTimeout as sleep} from 'node:timers/promises';
import {startExec} from '../../docker/exec.ts';
import {baseEnvironment} from '../../process/environment.ts';
import {openHeldPipe} from '../../process/held-pipe.ts';
import {describeEnd, startCommand} from '../../process/run.ts';
import {startDump} from '../../restic/dump.ts';
import {resticError} from '../../restic/errors.ts';
import type {ResticHandle} from '../../restic/handle.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {Connection} from './connection.ts';
import {dumpPath} from './dump.ts';
import {fullServerDiskError} from './full-disk.ts';
import {firstError, psqlEnvironment} from './psql.ts';
import {sqlstateIn, sqlstates} from './sqlstate.ts';

/** What the last lines of every whole plain dump say (pg_dump, since version 7). */
const dumpTrailer = 'PostgreSQL database dump complete';

/**
 * Loads a dump from its snapshot into a database, stopping at the first error. The bytes go through a kernel pipe;
 * psql sees the end only after restic has read everything well.
 * @throws TimetilesError `restore` or the repository's; the database is then half filled
 */
export async function loadDump(connection: Connection, restic: ResticHandle, snapshot: string, database: string, run: string): Promise<void> {
  const pipe = await openHeldPipe();
  try {
    const psql = startExec(connection.docker, {
      container: connection.container.id,
      command: ['psql', '--no-psqlrc', '--quiet', '--output=/dev/null', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose'],
      environment: {...psqlEnvironment(connection, {database, run}), PGOPTIONS: '-c client_min_messages=warning -c synchronous_commit=off -c default_transaction_read_only=off'},
      stdin: {fd: pipe.readFd},
    });
    pipe.consumerStarted(psql.pid);
    const dump = startDump(restic, snapshot, dumpPath, pipe.writeFd);
    const psqlEnded = psql.result.then((result) => {
      dump.stop();
      return result;
    });
    psqlEnded.catch(() => undefined);
    const dumped = await dump.result;
    if (dumped.exitCode !== 0) {
      // Either restic failed, or psql did and closed the pipe on it: the first cause is the one to tell.
      const early = await Promise.race([psqlEnded, sleep(500)]);
      psql.stop('SIGKILL');
      if (early && early.exitCode !== 0) throw loadError(connection, early.stderr || describeEnd(early));
      throw resticError(restic, `reading ${dumpPath}`, dumped);
    }
    await pipe.finish();
    const loaded = await psqlEnded;
    if (loaded.exitCode !== 0) throw loadError(connection, loaded.stderr || describeEnd(loaded));
  } finally {
    await pipe.close();
  }
}

/**
 * Makes sure that a dump is whole, by its last lines. Needed where no manifest vouches for it.
 * @throws TimetilesError `restore` when the end is missing
 */
export async function requireWholeDump(restic: ResticHandle, snapshot: string): Promise<void> {
  const tail = await readDumpTail(restic, snapshot);
  if (tail.includes(dumpTrailer)) return;
  throw new TimetilesError('restore', `the dump in snapshot ${snapshot.slice(0, 8)} is not whole: its end is missing`, 'Choose another set: timetiles backup list');
}

async function readDumpTail(restic: ResticHandle, snapshot: string): Promise<string> {
  const pipe = await openHeldPipe();
  try {
    const tail = startCommand({file: 'tail', args: ['-c', '500'], env: baseEnvironment(), stdin: {fd: pipe.readFd}, signal: restic.signal});
    pipe.consumerStarted(tail.pid);
    const dumped = await startDump(restic, snapshot, dumpPath, pipe.writeFd).result;
    if (dumped.exitCode !== 0) throw resticError(restic, `reading ${dumpPath}`, dumped);
    await pipe.finish();
    return (await tail.result).stdout;
  } finally {
    await pipe.close();
  }
}

function loadError(connection: Connection, stderr: string): TimetilesError {
  const sqlstate = sqlstateIn(stderr);
  if (sqlstate === sqlstates.diskFull) return fullServerDiskError(connection, firstError(stderr));
  return new TimetilesError(
    'restore',
    `the dump does not load into PostgreSQL in ${connection.container.name}: ${firstError(stderr)}`,
    'The live database was not touched. Correct the cause (often a missing extension or role), then restore again.',
    {sqlstate},
  );
}
