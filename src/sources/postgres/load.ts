import {setTimeout as sleep} from 'node:timers/promises';
import {z} from 'zod';
import {startExec} from '../../docker/exec.ts';
import {baseEnvironment} from '../../process/environment.ts';
import {openHeldPipe, type HeldPipe} from '../../process/held-pipe.ts';
import {describeEnd, startCommand, type CommandResult, type RunningCommand} from '../../process/run.ts';
import {startDump} from '../../restic/dump.ts';
import {resticError} from '../../restic/errors.ts';
import type {ResticHandle} from '../../restic/handle.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import {writeBytes} from '../../shared/write-bytes.ts';
import type {Connection} from './connection.ts';
import {dumpPath} from './dump.ts';
import {createDumpRewriter, type DumpRewrite} from './dump-rewrite.ts';
import {troubleUnder} from './failure.ts';
import {loadError} from './load-errors.ts';
import {psqlRequest} from './programs.ts';

/** What the last lines of every whole plain dump say (pg_dump, since version 7). */
const dumpTrailer = 'PostgreSQL database dump complete';

const problemSchema = z.object({what: z.string(), state: z.string(), message: z.string()});
/** What of a dump came back otherwise than it was, and why. */
export type LoadProblem = z.output<typeof problemSchema>;

export interface LoadRequest {
  readonly snapshot: string;
  readonly database: string;
  readonly run: string;
  /** Undefined: as it is, and then not a byte of it passes through this process. */
  readonly rewrite: DumpRewrite | undefined;
}

/**
 * Loads a dump from its snapshot into a database, stopping at the first error. The bytes go through a kernel pipe;
 * psql sees the end only after restic has read everything well.
 * @throws LoadError, or TimetilesError of the repository's; the database is then half filled
 */
export async function loadDump(connection: Connection, restic: ResticHandle, request: LoadRequest): Promise<LoadProblem[]> {
  const pipe = await openHeldPipe();
  try {
    const psql = startPsql(connection, request, pipe);
    pipe.consumerStarted(psql.pid);
    const {rewrite, snapshot} = request;
    const dump = startDump(restic, snapshot, dumpPath, rewrite ? 'stream' : pipe.writeFd);
    const psqlEnded = psql.result.then((result) => {
      dump.stop();
      return result;
    });
    psqlEnded.catch(() => undefined);
    const rest = rewrite ? await passThrough(dump, pipe, rewrite, psql) : undefined;
    const dumped = await dump.result;
    if (dumped.exitCode !== 0) {
      // Either restic failed, or psql did and closed the pipe on it: the first cause is the one to tell.
      const early = await Promise.race([psqlEnded, sleep(500)]);
      psql.stop('SIGKILL');
      if (early && early.exitCode !== 0) throw await failed(connection, early);
      throw resticError(restic, `reading ${dumpPath}`, dumped);
    }
    if (rest) await writeUnlessClosed(pipe, rest);
    await pipe.finish();
    const loaded = await psqlEnded;
    if (loaded.exitCode !== 0) throw await failed(connection, loaded);
    return loaded.stdout.split('\n').filter((line) => line !== '').map((line) => problemSchema.parse(JSON.parse(line)));
  } finally {
    await pipe.close();
  }
}

function startPsql(connection: Connection, {database, run}: LoadRequest, pipe: HeldPipe): RunningCommand {
  return startExec(connection.docker, {
    ...psqlRequest(connection, {database, run, settings: {synchronous_commit: 'off'}}, ['--output=/dev/null']),
    stdin: {fd: pipe.readFd},
  });
}

/** Hands the dump on, rewritten. @returns what belongs at its end, to be written only when all of it was read well */
async function passThrough(dump: RunningCommand, pipe: HeldPipe, rewrite: DumpRewrite, psql: RunningCommand): Promise<Buffer[]> {
  const rewriter = createDumpRewriter(rewrite);
  try {
    for await (const chunk of dump.output ?? []) {
      if (!Buffer.isBuffer(chunk)) throw new Error('a dump is read in bytes');
      if (!(await writeUnlessClosed(pipe, rewriter.push(chunk)))) break;
    }
    return rewriter.end();
  } catch (error) {
    psql.stop('SIGKILL');
    throw error;
  } finally {
    dump.output?.destroy();
  }
}

/** A psql that has ended closes the pipe; its exit code then tells the story. */
async function writeUnlessClosed(pipe: HeldPipe, parts: readonly Buffer[]): Promise<boolean> {
  try {
    await writeBytes(pipe.writeFd, Buffer.concat(parts));
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EPIPE') throw error;
    return false;
  }
}

async function failed(connection: Connection, result: CommandResult): Promise<TimetilesError> {
  const error = loadError(connection, result.stderr || describeEnd(result));
  // A full disk may end the server too, and is then the cause; what else the server said of its end is none.
  if (error.kind === 'no-room') return error;
  const trouble = await troubleUnder(connection, result);
  return trouble ? new TimetilesError(trouble.kind, `the load was broken off: ${trouble.message}`, `The live database was not touched. ${trouble.next}`, {cause: trouble}) : error;
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
