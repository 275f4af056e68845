import {mkdir, readdir} from 'node:fs/promises';
import {isAbsolute, normalize} from 'node:path';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {sourceByName} from '../sources/registry.ts';
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
      if (!lost || !meansDamage(error)) throw error;
      first ??= error;
      missing.push({source: source.name, paths: [], reason: messageOf(error)});
    }
  }
  if (restored.length === 0 && first !== undefined) throw first;
  return {set: selected.set.id, restored, paths, warnings: selected.warnings, missing};
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
