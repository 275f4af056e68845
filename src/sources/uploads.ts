import {hash} from 'node:crypto';
import {lstat, readdir} from 'node:fs/promises';
import {join, posix} from 'node:path';
import type {z} from 'zod';
import {backupDirectory} from '../restic/backup.ts';
import {countFiles, listFiles} from '../restic/list-files.ts';
import {repositoryExists} from '../restic/handle.ts';
import {listSnapshots} from '../restic/snapshots.ts';
import {TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import {settingLine} from '../config/setting-line.ts';
import {keyOfPlace} from './files/candidates.ts';
import {filesDetailsSchema, homeOfRecord} from './files/details.ts';
import {filesHomeOf, findFilesHome, findLiveFiles, type FilesHome} from './files/home.ts';
import {recogniseArchive} from './files/import/import.ts';
import {findFileLeftovers} from './files/leftovers.ts';
import {walkFiles} from './files/walk.ts';
import {findUploads, locateUploads, type UploadsLocation} from './files/locate.ts';
import {inspectKeptFiles, planFilesRestore, restoreFiles} from './files/restore-files.ts';
import {readRootEntry} from './files/root-entry.ts';
import {finishFiles, revertFiles, swapFiles, swapPlacesSchema} from './files/swap.ts';
import type {BackupTask, Check, ExportRequest, Home, HomeRequest, InspectOptions, ProveRequest, Source, SourceContext, SourceRecord, StoreRequest} from './source.ts';

/** The volume or directory that holds the files which users uploaded. */
export const uploadsSource: Source = {
  name: 'uploads',
  kind: 'uploads',
  findAbsence,
  inspect,
  measure: ({bytes, files}) => ({bytes, files}),
  findMissing,
  servingContainers: () => Promise.resolve([]),
  findHome,
  findLive: findLiveFiles,
  recognise: recogniseArchive,
  planRestore: planFilesRestore,
  planThrowaway: (_context, {record, name}) => {
    const volume = `${name}-uploads`;
    return Promise.resolve({bytes: record?.bytes ?? 0, volumes: [volume], settings: {UPLOADS_VOLUME: volume, UPLOAD_HOST_DIR: undefined}});
  },
  swap: (_context, entry) => swapFiles(swapPlacesSchema.parse(entry)),
  prove: proveFiles,
  findAbsent,
  inspectKept: inspectKeptFiles,
  findLeftovers: findFileLeftovers,
  revert: (_context, entry) => revertFiles(swapPlacesSchema.parse(entry)),
  finish: (_context, entry) => finishFiles(swapPlacesSchema.parse(entry)),
  claimsPath: () => true,
  export: exportFiles,
};

function findHome(context: SourceContext, {record, project, given}: HomeRequest): Promise<Home> {
  const {home, origin} = filesDetailsSchema.parse(record.details);
  return findFilesHome(context, {home: home ?? filesHomeOf(origin), project, given});
}

/** A project that the engine does not know is a mistake, not a project without uploads. */
async function findAbsence(context: SourceContext, earlier: SourceRecord | undefined): Promise<TimetilesError | undefined> {
  const found = await findUploads(context, homeOfRecord(earlier));
  if (found.state === 'found') return undefined;
  if (!found.projectExists) throw found.error;
  return found.error;
}

async function inspect(context: SourceContext, options: InspectOptions): Promise<BackupTask> {
  const earlier = homeOfRecord(options.earlier);
  const searched = await findUploads(context, earlier);
  if (searched.state === 'none') throw searched.error;
  const {location, found} = searched;
  if (found.isGuess && earlier && keyOfPlace(earlier) !== keyOfPlace(location.home)) throw otherThanBefore(location, earlier);
  const warnings: string[] = [];
  if (location.users.length === 0) {
    const problem = `the ${location.description} is not mounted by any container`;
    if (!options.allowEmpty) throw new TimetilesError('volume', problem, 'Check UPLOADS_VOLUME or UPLOAD_HOST_DIR, or start the app. To save it all the same: --allow-empty');
    warnings.push(problem);
  }
  if ((await readdir(location.directory)).length === 0) {
    const before = options.allowEmpty ? undefined : await lastFileCount(context);
    if (before !== undefined && before > 0) {
      throw new TimetilesError(
        'volume',
        `the ${location.description} is empty, but the last backup of it has ${plural(before, 'file')}`,
        'If the files are lost: timetiles restore latest --only uploads. If it is meant to be empty: --allow-empty',
      );
    }
    warnings.push(`the ${location.description} is empty`);
  }
  const notes = found.others.map(({place}) => `${'volume' in place ? 'the volume' : 'the directory'} ${keyOfPlace(place)} of the project is in no backup`);
  const why = found.why === undefined ? '' : ` (${found.why})`;
  return {description: `${location.description}${why}`, warnings, notes, store: (request) => store(context, location, request)};
}

/** What is the only volume now was one of several before, or is new: it must not take the place of what is gone. */
function otherThanBefore({home}: UploadsLocation, earlier: FilesHome): TimetilesError {
  const line = (place: FilesHome) => settingLine('volume' in place ? 'UPLOADS_VOLUME' : 'UPLOAD_HOST_DIR', keyOfPlace(place));
  return new TimetilesError(
    'volume',
    `the newest backup holds the uploads of ${keyOfPlace(earlier)}, which no container of the project mounts now; it has ${keyOfPlace(home)} instead`,
    `If these are the uploads from now on, write ${line(home)} into bootstrap.conf. If the others are lost: ${line(earlier)}, then timetiles restore latest --only uploads`,
  );
}

/** How many files the newest uploads snapshot has; asked only when the directory is empty now. */
async function lastFileCount(context: SourceContext): Promise<number | undefined> {
  if (!repositoryExists(context.restic)) return undefined;
  const snapshots = await listSnapshots(context.restic, 'timetiles,uploads');
  const last = snapshots.at(-1);
  return last && countFiles(context.restic, last.id);
}

async function store(context: SourceContext, location: UploadsLocation, request: StoreRequest): Promise<SourceRecord> {
  const begin = Date.now();
  const version = await context.resticVersion();
  const [stored, root] = await Promise.all([
    backupDirectory(context.restic, {directory: location.directory, tags: request.tags, version, onProgress: context.log.showsProgress ? request.onProgress : undefined}),
    readRootEntry(location.directory),
  ]);
  if (stored.vanished > 0) context.log.info(`${plural(stored.vanished, 'file')} vanished from the ${location.description} while it was read`);
  const {id, bytes, added, files, unreadable} = stored;
  const details = {root, origin: location.description, home: location.home} satisfies z.output<typeof filesDetailsSchema>;
  return {source: 'uploads', snapshot: id, bytes, added, files, seconds: (Date.now() - begin) / 1000, unreadable: [...unreadable], details};
}

/** A leading slash or `./` makes no difference. */
async function* findMissing(context: SourceContext, snapshot: string, paths: AsyncIterable<string>): AsyncGenerator<string> {
  // Digests, since the paths of millions of files would fill the memory.
  const present = new Set<number>();
  await listFiles(context.restic, snapshot, (path) => present.add(digestOf(path)));
  for await (const path of paths) if (!present.has(digestOf(posix.normalize(`/${path}`)))) yield path;
}

/** Leaves the current directory to nobody: a path that leads out of the uploads is absent. */
async function* findAbsent(context: SourceContext, paths: AsyncIterable<string>): AsyncGenerator<string> {
  const {directory} = await locateUploads(context);
  for await (const path of paths) {
    // posix.normalize keeps `..` at the root from leading anywhere.
    const exists = await lstat(join(directory, posix.normalize(`/${path}`))).then(
      () => true,
      () => false,
    );
    if (!exists) yield path;
  }
}

/** Every file of the snapshot is there and none beside; their contents restic compared when it restored them. */
async function proveFiles(context: SourceContext, request: ProveRequest): Promise<Check[]> {
  const {directory} = await locateUploads(context, homeOfRecord(request.record));
  // Names that are no UTF-8 may look alike in what restic says: they are counted.
  const expected = new Map<number, number>();
  await listFiles(context.restic, request.snapshot, (path) => expected.set(digestOf(path), (expected.get(digestOf(path)) ?? 0) + 1));
  let present = 0;
  const strange: string[] = [];
  for await (const path of walkFiles(directory)) {
    const left = expected.get(digestOf(path)) ?? 0;
    if (left === 0) strange.push(path);
    else present += 1;
    if (left > 1) expected.set(digestOf(path), left - 1);
    else expected.delete(digestOf(path));
  }
  const missing = [...expected.values()].reduce((sum, count) => sum + count, 0);
  if (missing === 0 && strange.length === 0) return [{name: 'files', state: 'passed', detail: `${plural(present, 'file')}, as in the snapshot; each was read back and compared when it was restored`}];
  return [{name: 'files', state: 'failed', detail: [...(missing > 0 ? [`${plural(missing, 'file')} of the snapshot missing`] : []), ...(strange.length > 0 ? [`${plural(strange.length, 'file')} not in the snapshot, such as ${strange[0]}`] : [])].join('; ')}];
}

/** 48 bits: of a million files, one missing path in 280 million is taken for one that is there. */
function digestOf(path: string): number {
  return Number.parseInt(hash('sha1', path).slice(0, 12), 16);
}

/** Writes the files below DIR/uploads, or one path of them to DIR with the same path below it. */
async function exportFiles(context: SourceContext, request: ExportRequest): Promise<string[]> {
  const target = request.path === undefined ? join(request.directory, 'uploads') : request.directory;
  const wanted = request.path === undefined ? undefined : `/${request.path}`;
  await restoreFiles(context, {snapshot: request.snapshot, target, path: wanted}, request.onProgress, request.bestEffort);
  if (request.path === undefined) return [target];
  if (await holdsPath(target, request.path)) return [join(target, request.path)];
  throw new TimetilesError('not-found', `the uploads of this set have no ${request.path}`, `List what there is: restic ls ${request.snapshot.slice(0, 8)}`);
}

/** A name that is no UTF-8 is told with U+FFFD, and so not found by itself: what was written is there all the same, at that depth. */
async function holdsPath(directory: string, path: string): Promise<boolean> {
  if (path.includes('\uFFFD')) {
    const depth = path.split('/').length;
    let folders: Buffer[] = [Buffer.from(directory)];
    for (let level = 1; level < depth; level += 1) folders = (await Promise.all(folders.map(namesIn))).flat();
    return (await Promise.all(folders.map(namesIn))).flat().length > 0;
  }
  return lstat(join(directory, path)).then(
    () => true,
    () => false,
  );
}

/** The paths of what a directory holds, in the bytes that they have; none where there is no directory. */
async function namesIn(directory: Buffer): Promise<Buffer[]> {
  const names = await readdir(directory, {encoding: 'buffer'}).catch(() => []);
  return names.map((name) => Buffer.concat([directory, Buffer.from('/'), name]));
}
