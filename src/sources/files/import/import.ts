import {lstat, mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {baseEnvironment} from '../../../process/environment.ts';
import {openHeldPipe} from '../../../process/held-pipe.ts';
import {describeEnd, startCommand, type CommandResult} from '../../../process/run.ts';
import {backupDirectory} from '../../../restic/backup.ts';
import {systemCode, TimetilesError} from '../../../shared/errors.ts';
import {formatBytes, plural, shellWord} from '../../../shared/format.ts';
import {freeBytes} from '../../../shared/free-space.ts';
import {writeBytes} from '../../../shared/write-bytes.ts';
import {readContent, refusal, type ForeignFile} from '../../foreign/file.ts';
import type {ImportRequest, ImportTask, RecognisedBackup, SourceContext, StoreRequest} from '../../source.ts';
import {readRootEntry} from '../root-entry.ts';
import {readLayout, type ArchiveLayout} from './layout.ts';
import {isTarHeader, TarProblem, TarReader, type TarMember} from './tar-reader.ts';

/** A file takes at least a block of the disk. */
const blockBytes = 4096;
/** Where the archive is unpacked, below the directory that nobody else may enter: what it says of its top must not open that. */
const unpackedName = 'files';

/** Tells tar archives by their beginning. */
export function recogniseArchive(file: ForeignFile): RecognisedBackup | undefined {
  if (!isTarHeader(file.head)) return undefined;
  return {
    kind: `archive of files (tar${file.compression ? `, ${file.compression.program}` : ''})`,
    time: undefined,
    prepare: (context, request) => prepareArchive(context, file, request),
  };
}

/** Reads the archive once to see that it is sound and what it needs, and then unpacks it. */
async function prepareArchive(context: SourceContext, file: ForeignFile, request: ImportRequest): Promise<ImportTask> {
  const layout = await listArchive(context, file);
  const names = tellProblem(file.path, () => layout.root(request.strip));
  if (layout.files() === 0) throw refusal(file.path, 'holds no files', 'Look for another copy of it.');
  requireRoom(request.directory, layout);
  const unpacked = join(request.directory, unpackedName);
  await mkdir(unpacked, {mode: 0o700});
  const devices = await unpack(context, file, unpacked, request);
  const root = join(unpacked, ...names.map((name) => Buffer.from(name, 'latin1').toString('utf8')));
  const status = await lstat(root).catch(() => undefined);
  if (!status?.isDirectory()) throw refusal(file.path, `has no folder ${names.join('/')} that can be read`, 'Say how many folders lead to the files: --strip N');
  const top = names.length === 0 ? 'its top is the uploads directory' : `its folder ${names.join('/')} is the uploads directory (--strip ${names.length})`;
  return {store: (at, storing) => storeUnpacked(at, {path: file.path, root, isDescribed: layout.describes(names), devices, notes: [top]}, storing)};
}

async function listArchive(context: SourceContext, file: ForeignFile): Promise<ArchiveLayout> {
  const layout = readLayout();
  const looksPhysical = {hasControl: false};
  await walk(file, context.signal, (member) => {
    layout.add(member);
    if (/(^|\/)global\/pg_control$/.test(member.path)) looksPhysical.hasControl = true;
    return false;
  });
  if (looksPhysical.hasControl) throw refusal(file.path, 'holds the data directory of a PostgreSQL server', 'Start a server of the same version on an unpacked copy, and dump the database with pg_dump.');
  return layout;
}

/** @param take what is left of the archive, piece by piece */
async function walk(file: ForeignFile, signal: AbortSignal, wants: (member: TarMember) => boolean, take: (pieces: Buffer[]) => Promise<void> = () => Promise.resolve()): Promise<void> {
  const reader = new TarReader(wants);
  try {
    for await (const chunk of readContent(file, signal)) {
      await take(reader.push(chunk));
      signal.throwIfAborted();
    }
    reader.end();
  } catch (error) {
    throw asRefusal(file.path, error);
  }
}

function tellProblem<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw asRefusal(path, error);
  }
}

function asRefusal(path: string, error: unknown): unknown {
  return error instanceof TarProblem ? refusal(path, error.message, 'Look for another copy of it, or unpack it by hand and pack what is right again: tar cf NAME.tar -C DIR .', error) : error;
}

function requireRoom(directory: string, layout: ArchiveLayout): void {
  const needed = layout.bytes() + layout.files() * blockBytes;
  const free = freeBytes(directory);
  if (free >= needed) return;
  throw new TimetilesError(
    'no-room',
    `unpacking needs ${formatBytes(needed)}, but the disk of ${directory} has only ${formatBytes(free)} free`,
    `Free some space on it (df -h ${shellWord(directory)}), or name a directory on another disk: --staging DIR`,
    {room: {path: directory, bytesMissing: needed - free}},
  );
}

/** Unpacks with all that tar knows of a file. @returns the paths of devices, which no upload is and which are left out */
async function unpack(context: SourceContext, file: ForeignFile, directory: string, {onProgress}: ImportRequest): Promise<string[]> {
  const devices: string[] = [];
  let files = 0;
  const wants = ({kind, path}: TarMember) => {
    if (kind === 'device') devices.push(Buffer.from(path, 'latin1').toString('utf8'));
    else files += 1;
    return kind !== 'device';
  };
  const pipe = await openHeldPipe();
  const owner = process.getuid?.() === 0 ? '--same-owner' : '--no-same-owner';
  try {
    const tar = startCommand({
      file: 'tar',
      args: ['--extract', '--file=-', `--directory=${directory}`, owner, '--numeric-owner', '--same-permissions', '--xattrs', '--xattrs-include=*', '--acls'],
      env: {...baseEnvironment(), LC_ALL: 'C'},
      stdin: {fd: pipe.readFd},
      signal: context.signal,
      interruptWhenOrphaned: true,
    });
    pipe.consumerStarted(tar.pid);
    try {
      await walk(file, context.signal, wants, async (pieces) => {
        await writeBytes(pipe.writeFd, Buffer.concat(pieces));
        onProgress({files});
      });
      await pipe.finish();
    } catch (error) {
      // tar has ended before its input: then it knows why.
      if (systemCode(error) !== 'EPIPE') {
        tar.stop('SIGKILL');
        await tar.result.catch(() => undefined);
        throw error;
      }
    }
    const result = await tar.result;
    if (result.exitCode !== 0) throw unpackError(file.path, directory, result);
    return devices;
  } finally {
    await pipe.close();
  }
}

function unpackError(path: string, directory: string, result: CommandResult): TimetilesError {
  const lines = result.stderr.split('\n').filter((line) => line.startsWith('tar: ') && !/Removing leading|Exiting with failure/.test(line));
  const said = lines[0]?.slice('tar: '.length) ?? describeEnd(result);
  if (/No space left/.test(said)) return new TimetilesError('no-room', `the disk of ${directory} is full: ${said}`, `Free some space on it (df -h ${shellWord(directory)}), or name a directory on another disk: --staging DIR`, {room: {path: directory}});
  return refusal(path, `could not be unpacked: ${said}`, 'Unpack it by hand, and pack what is right again: tar cf NAME.tar -C DIR .');
}

interface Unpacked {
  readonly path: string;
  readonly root: string;
  /** Whether the directory itself came out of the archive, and was not just made for what lies in it. */
  readonly isDescribed: boolean;
  readonly devices: readonly string[];
  readonly notes: readonly string[];
}

async function storeUnpacked(context: SourceContext, {path, root, isDescribed, devices, notes}: Unpacked, {tags, onProgress}: StoreRequest) {
  const begin = Date.now();
  const version = await context.resticVersion();
  const stored = await backupDirectory(context.restic, {directory: root, tags, version, onProgress: context.log.showsProgress ? onProgress : undefined});
  const {id, bytes, added, files, unreadable} = stored;
  const details = {root: isDescribed ? await readRootEntry(root) : null, origin: `imported from ${path}`};
  const left = devices.length === 0 ? [] : [`left out: ${plural(devices.length, 'device')} such as ${devices[0]}`];
  const seconds = (Date.now() - begin) / 1000;
  return {record: {source: 'uploads', snapshot: id, bytes, added, files, seconds, unreadable: [...unreadable, ...devices].slice(0, 100), details}, notes: [...notes, ...left]};
}
