import {mkdir, readdir} from 'node:fs/promises';
import {isAbsolute, normalize, posix} from 'node:path';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {shownWord} from '../shared/format.ts';
import {printable} from '../shared/printable.ts';
import {sourceByName} from '../sources/registry.ts';
import {openBrowser} from './browse.ts';
import type {Context} from './context.ts';
import {explainDamage, findLostFiles} from './damage.ts';
import {meansDamage, type MissingData} from './damage-kinds.ts';
import {selectSnapshots, type RestoreChoice} from './restore-plan.ts';
import type {SetSnapshot} from './sets.ts';

export interface InspectionReport {
  readonly set: string;
  readonly restored: readonly string[];
  /** What was written. */
  readonly paths: readonly string[];
  readonly warnings: readonly string[];
  /** What of the set was left out because it is damaged. */
  readonly missing: readonly MissingData[];
}

export interface InspectionRequest extends RestoreChoice {
  readonly directory: string;
  /** One file or folder of the set. */
  readonly path: string | undefined;
  /** The local repository, where a set that is whole is looked for when this one is not. */
  readonly local?: Context;
}

/** How many files of a like name are named where one is not there. */
const closeNames = 3;

/**
 * Writes a set, or one path of it, into a directory for inspection. Live data, containers and Docker are not touched.
 * @throws TimetilesError `usage` when the directory has something in it
 */
export async function restoreToDirectory(context: Context, request: InspectionRequest): Promise<InspectionReport> {
  try {
    return await writeToDirectory(context, request);
  } catch (error) {
    throw await explainDamage(request.local ?? context, context, request, error);
  }
}

async function writeToDirectory(context: Context, request: InspectionRequest): Promise<InspectionReport> {
  const path = request.path === undefined ? undefined : cleanPath(request.path);
  const selected = await selectSnapshots(context, request);
  const snapshots = path === undefined ? selected.snapshots : [ownerOf(path, selected.snapshots)];
  await requireEmptyDirectory(request.directory);
  const paths: string[] = [];
  const restored: string[] = [];
  const missing: MissingData[] = [];
  const lost = request.bestEffort === true ? await findLostFiles(context, snapshots) : undefined;
  let first: unknown;
  for (const snapshot of snapshots) {
    const source = sourceByName(snapshot.source);
    if (!source) continue;
    context.log.info(`writing ${source.name} to ${request.directory}`);
    const onMissing = (left: readonly string[]) => {
      if (left.length > 0) missing.push({source: source.name, paths: left, reason: null});
    };
    try {
      const written = await source.export(context, {
        snapshot: snapshot.id,
        directory: request.directory,
        path,
        onProgress: (progress) => context.log.progress({label: source.name, ...progress}),
        bestEffort: lost && {damaged: [...(lost.get(snapshot.id) ?? [])], onMissing},
      });
      paths.push(...written);
      restored.push(source.name);
    } catch (error) {
      context.signal.throwIfAborted();
      if (path !== undefined && error instanceof TimetilesError && error.kind === 'not-found') throw await withWayOut(context, {path, set: selected.set.id, snapshot: snapshot.id}, error);
      if (!lost || !meansDamage(error)) throw error;
      first ??= error;
      missing.push({source: source.name, paths: [], reason: messageOf(error)});
    }
  }
  if (restored.length === 0 && first !== undefined) throw first;
  return {set: selected.set.id, restored, paths, warnings: selected.warnings, missing};
}

/** A path that is not there, with those of that name that are, and how to look in all sets. */
async function withWayOut(context: Context, {path, set, snapshot}: {path: string; set: string; snapshot: string}, error: TimetilesError): Promise<TimetilesError> {
  const name = posix.basename(path);
  const entries = await openBrowser(context, snapshot).search(literally(posix.parse(name).name));
  const close = entries.slice(0, closeNames).map((entry) => printable(entry.path.slice(1)));
  const more = entries.length > close.length ? ', …' : '';
  const message = close.length === 0 ? `${error.message}, nor any file of a like name` : `${error.message}; there are: ${close.join(', ')}${more}`;
  return new TimetilesError('not-found', message, `Look for it in all sets: timetiles backup find -i -- ${shownWord(literally(name))} (this was set ${set})`, {cause: error});
}

/** A name as a pattern that means nothing but itself. */
function literally(name: string): string {
  return name.replace(/[\\*?[\]]/g, '\\$&');
}

/** A path as it is below the root of its source. */
function cleanPath(path: string): string {
  const clean = normalize(path).replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
  if (clean === '' || clean === '.' || clean.split('/').includes('..') || clean.includes('\0')) {
    throw new TimetilesError('usage', `--path ${path} is no path inside a set`, 'Name a file or folder as it is below the uploads, such as --path 2026/photo.jpg, or database.sql.');
  }
  return clean;
}

function ownerOf(path: string, snapshots: readonly SetSnapshot[]): SetSnapshot {
  const owner = snapshots.find(({source}) => sourceByName(source)?.claimsPath(path));
  if (owner) return owner;
  throw new TimetilesError('not-found', `no snapshot of this set has ${path}`, 'Choose another set: timetiles backup list');
}

async function requireEmptyDirectory(directory: string): Promise<void> {
  if (!isAbsolute(directory)) throw new Error('the directory must be absolute');
  try {
    await mkdir(directory, {recursive: true, mode: 0o700});
    if ((await readdir(directory)).length === 0) return;
  } catch (error) {
    throw new TimetilesError('usage', `${directory} cannot be written to (${systemCode(error) ?? 'unknown error'})`, 'Name another directory with --target.', {cause: error});
  }
  throw new TimetilesError('usage', `${directory} is not empty`, 'Name an empty or a new directory with --target.');
}
