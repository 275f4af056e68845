import {createHash} from 'node:crypto';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {messageOf} from '../shared/errors.ts';
import {parseJson} from '../shared/parse-json.ts';
import {readTextOrNothing} from '../shared/read-text.ts';
import type {Context} from './context.ts';
import type {Manifest} from './manifest.ts';
import type {BackupSet} from './sets.ts';

/** What the shell's completion tells of a set. */
export interface SetName extends Pick<BackupSet, 'id' | 'state' | 'isSafety' | 'isSuspicious'> {
  readonly snapshots: readonly SnapshotName[];
}

type NamesContext = Pick<Context, 'stateDirectory' | 'settings' | 'restic' | 'log'>;

export interface SnapshotName {
  readonly id: string;
  readonly source: string;
  /** Null where neither restic (before 0.17) nor an earlier listing told. */
  readonly bytes: number | null;
}

/**
 * Keeps the names of the local repository's sets, newest first: restic takes far longer to tell them than a shell can
 * wait. Nothing but suggestions is made of them.
 */
export async function rememberSetNames(context: NamesContext, sets: readonly BackupSet[]): Promise<void> {
  if (!isLocalRepository(context)) return;
  const sizes = new Map(readRemembered(context).flatMap(({snapshots}) => snapshots.map(({id, bytes}) => [id, bytes])));
  const names = sets.map(({id, state, isSafety, isSuspicious, snapshots}) => ({
    id, state, isSafety, isSuspicious,
    snapshots: snapshots.map(({id: snapshotId, source, snapshot: {summary}}) => ({id: snapshotId, source, bytes: summary?.total_bytes_processed ?? sizes.get(snapshotId) ?? null})),
  }));
  await write(context, names);
}

/** Adds the set that was just stored. */
export async function rememberNewSetName(context: NamesContext, {set, state, beforeRestore, suspicions, sources}: Manifest): Promise<void> {
  if (!isLocalRepository(context)) return;
  const name: SetName = {
    id: set,
    state,
    isSafety: beforeRestore ?? false,
    isSuspicious: suspicions !== undefined,
    snapshots: sources.map(({source, snapshot, bytes}) => ({id: snapshot, source, bytes})),
  };
  const others = readRemembered(context).filter(({id}) => id !== set);
  await write(context, [name, ...others].toSorted((a, b) => (a.id < b.id ? 1 : -1)));
}

/** The names that were kept; none where they cannot be read. */
export function readSetNames(stateDirectory: string, repository: string): SetName[] {
  return parseNames(readTextOrNothing(pathOf(stateDirectory, repository)));
}

/** The sets of a copy elsewhere are not those that a command completes. */
function isLocalRepository({restic, settings}: NamesContext): boolean {
  return restic.repository === settings.RESTIC_REPOSITORY;
}

function readRemembered({stateDirectory, settings}: NamesContext): SetName[] {
  return readSetNames(stateDirectory, settings.RESTIC_REPOSITORY);
}

function pathOf(stateDirectory: string, repository: string): string {
  return join(stateDirectory, repositoryStateName('sets', repository));
}

/** The file of what is remembered of a repository. Configurations that share an installation directory may have one each. Pure. */
export function repositoryStateName(what: string, repository: string): string {
  return `${what}-${createHash('sha256').update(repository).digest('hex').slice(0, 12)}.json`;
}

/** A host that cannot keep them only completes less. Most listings change nothing. */
async function write(context: NamesContext, sets: readonly SetName[]): Promise<void> {
  const path = pathOf(context.stateDirectory, context.settings.RESTIC_REPOSITORY);
  const text = `${JSON.stringify({format: 1, sets})}\n`;
  if (readTextOrNothing(path) === text) return;
  try {
    mkdirSync(context.stateDirectory, {recursive: true, mode: 0o700});
    await writeFileAtomically(path, text);
  } catch (error) {
    context.log.debug(`the names of the sets were not kept for completion: ${messageOf(error)}`);
  }
}

/** By hand: zod's import alone would take a fifth of the time that a completion may take. */
function parseNames(text: string | undefined): SetName[] {
  const document = parseJson(text);
  if (!isRecord(document) || document['format'] !== 1 || !Array.isArray(document['sets'])) return [];
  return document['sets'].filter((set) => isSetName(set));
}

function isSetName(value: unknown): value is SetName {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['state'] === 'string' && Array.isArray(value['snapshots']) && value['snapshots'].every((snapshot) => isSnapshotName(snapshot));
}

function isSnapshotName(value: unknown): value is SnapshotName {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['source'] === 'string' && (value['bytes'] === null || typeof value['bytes'] === 'number');
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
