import {startExec} from '../../../docker/exec.ts';
import {openHeldPipe} from '../../../process/held-pipe.ts';
import {startSnapshotStream, type StoredSnapshot} from '../../../restic/backup.ts';
import {messageOf, systemCode, TimetilesError} from '../../../shared/errors.ts';
import {writeBytes} from '../../../shared/write-bytes.ts';
import {readContent, refusal, type ForeignFile} from '../../foreign/file.ts';
import type {RecognisedBackup, SourceContext, StoreRequest} from '../../source.ts';
import {connectDatabase} from '../connection.ts';
import {dumpPath} from '../dump.ts';
import type {ImportedDetails} from '../facts.ts';
import {troubleUnder} from '../failure.ts';
import {programPath} from '../programs.ts';
import {firstError} from '../sqlstate.ts';
import {readArchiveHeader} from './archive-header.ts';
import {clusterDump, createDumpFilter, type DumpFacts} from './filter.ts';

/** Where the first member of a tar archive of pg_dump begins, after its name. */
const tarBlock = 512;
const contentsMember = 'toc.dat\0';

/** Tells dumps of pg_dump by their beginning. */
export function recogniseDump(file: ForeignFile): RecognisedBackup | undefined {
  const {head, path} = file;
  const inTar = head.toString('latin1', 0, contentsMember.length) === contentsMember;
  const archive = readArchiveHeader(inTar ? head.subarray(tarBlock) : head);
  if (archive) {
    if (archive.format === 'directory') throw refusal(path, 'is a part of a dump in directory format', 'Make one file of the directory: pg_restore --file=NAME.sql DIR');
    return describe(file, `archive (${archive.format}) of pg_dump`, archive.server, archive.time, (context) => convertArchive(context, file));
  }
  const text = head.toString('utf8');
  if (/^-- PostgreSQL database cluster dump/m.test(text)) throw refusal(path, clusterDump.reason, clusterDump.next);
  if (!/^-- PostgreSQL database dump\r?$/m.test(text)) return undefined;
  const server = /^-- Dumped from database version (\S+)/m.exec(text)?.[1];
  return describe(file, 'dump', server, startTime(text), (context) => readContent(file, context.signal));
}

/** When a dump was begun; pg_dump --verbose says so. Zones other than UTC have no clear names: those are left alone. */
function startTime(text: string): Date | undefined {
  const [, day, time] = /^-- Started on (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (?:UTC|GMT|Etc\/UTC|Z)\r?$/m.exec(text) ?? [];
  return day === undefined ? undefined : new Date(`${day}T${time}Z`);
}

function describe(file: ForeignFile, what: string, server: string | undefined, time: Date | undefined, read: (context: SourceContext) => AsyncIterable<Buffer>): RecognisedBackup {
  return {
    kind: `${what} of PostgreSQL${server === undefined ? '' : ` ${server.split(' ')[0]}`}`,
    time,
    prepare: () => Promise.resolve({store: (at, request) => storeForeignDump(at, file.path, read(at), request)}),
  };
}

/** One pass: what is read is judged and stored at once; restic gets its end only when all of it was found to be right. */
async function storeForeignDump(context: SourceContext, path: string, content: AsyncIterable<Buffer>, {tags, onProgress}: StoreRequest) {
  const begin = Date.now();
  const {stored, facts, notes} = await streamDump(context, path, content, tags, onProgress);
  const details: ImportedDetails = {...facts, roles: [...facts.roles], extensions: [...facts.extensions]};
  const {id, bytes, added, files} = stored;
  return {record: {source: 'db', snapshot: id, bytes, added, files, seconds: (Date.now() - begin) / 1000, unreadable: [], details}, notes};
}

async function streamDump(context: SourceContext, path: string, content: AsyncIterable<Buffer>, tags: readonly string[], onProgress: StoreRequest['onProgress']): Promise<{stored: StoredSnapshot; facts: DumpFacts; notes: readonly string[]}> {
  const stream = await startSnapshotStream(context.restic, dumpPath, tags, onProgress);
  const filter = createDumpFilter(path);
  try {
    for await (const chunk of content) {
      await writeBytes(stream.writeFd, Buffer.concat(filter.push(chunk)));
      context.signal.throwIfAborted();
    }
    const {rest, facts, notes} = filter.end();
    await writeBytes(stream.writeFd, Buffer.concat(rest));
    return {stored: await stream.commit(), facts, notes};
  } catch (error) {
    // Nobody reads any more: restic has ended, and knows why.
    throw systemCode(error) === 'EPIPE' ? await stream.ended : error;
  } finally {
    await stream.cancel();
  }
}

/** The plain dump that an archive of pg_dump holds, by pg_restore in the database container: no version fits better. */
async function* convertArchive(context: SourceContext, file: ForeignFile): AsyncGenerator<Buffer> {
  const {docker, container, route} = await connectDatabase(context);
  const pipe = await openHeldPipe();
  try {
    const restore = startExec(docker, {container: container.id, command: [programPath(route, 'pg_restore'), '--file=-'], environment: {}, stdin: {fd: pipe.readFd}, stdout: 'stream'});
    pipe.consumerStarted(restore.pid);
    const feeding = feed(readContent(file, context.signal), pipe).catch((error: unknown) => {
      // The end of what is damaged must not look like a good one.
      restore.stop('SIGKILL');
      return error;
    });
    try {
      if (restore.output) yield* restore.output;
      const result = await restore.result;
      const failure = await feeding;
      if (failure !== undefined && systemCode(failure) !== 'EPIPE') throw failure;
      if (result.exitCode !== 0) throw (await troubleUnder({docker, container}, result)) ?? conversionError(file.path, container.name, result.stderr);
    } finally {
      restore.output?.destroy();
      restore.stop('SIGKILL');
      await pipe.close();
      await feeding;
    }
  } finally {
    await pipe.close();
  }
}

async function feed(content: AsyncIterable<Buffer>, pipe: {readonly writeFd: number; finish(): Promise<void>}): Promise<undefined> {
  for await (const chunk of content) await writeBytes(pipe.writeFd, chunk);
  await pipe.finish();
}

/** @param stderr of pg_restore, whose container runs */
function conversionError(path: string, container: string, stderr: string): TimetilesError {
  const said = firstError(stderr);
  if (/unsupported version/.test(said)) return refusal(path, `is of a newer pg_dump than the pg_restore in ${container} can read: ${said}`, 'Make a plain dump of it with the newer version: pg_restore --file=NAME.sql FILE');
  return refusal(path, `is damaged or not whole: pg_restore says ${messageOf(said)}`, 'Look for another copy of it; nothing of it was stored.');
}
