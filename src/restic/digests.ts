import {createHash} from 'node:crypto';
import {createReadStream, readdirSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import type {Progress} from '../shared/log.ts';
import {messageOf, systemCode} from '../shared/errors.ts';
import type {ResticHandle} from './handle.ts';

/** The files of a repository whose names are the SHA-256 of their content. */
type FileKind = 'keys' | 'snapshots' | 'index' | 'data';

/** A part of the packs, as restic divides them for `--read-data-subset=number/of`. */
export interface DataPart {
  readonly number: number;
  readonly of: number;
}

export interface DamagedFile {
  readonly kind: FileKind;
  readonly id: string;
  /** What is wrong, and what that means. */
  readonly problem: string;
}

/** What it means that such a file is damaged. */
const meaning: Readonly<Record<FileKind, (id: string) => string>> = {
  keys: (id) => `key ${id.slice(0, 8)} is damaged: the password does not open the repository by it`,
  snapshots: (id) => `snapshot ${id.slice(0, 8)} is damaged: it cannot be restored, and its set is not whole`,
  index: (id) => `index ${id.slice(0, 8)} is damaged: the packs that it tells of cannot be found until it is made anew`,
  data: (id) => `pack ${id} is damaged: its content is not what its name says`,
};

/**
 * Compares the names of files of a repository on this host's disks with their content. restic stops at some damaged files,
 * and never looks at keys that it does not need.
 * @param part of the packs; the other kinds are read whole
 * @param isEnough asked before each file, for those who cannot wait for all of them
 */
export async function findDamagedFiles(
  handle: ResticHandle,
  kinds: readonly FileKind[],
  part: DataPart,
  onProgress?: (progress: Omit<Progress, 'label'>) => void,
  isEnough: () => boolean = () => false,
): Promise<DamagedFile[]> {
  const files = kinds.flatMap((kind) => filesOf(handle, kind, part).map((path) => ({kind, path})));
  const damaged: DamagedFile[] = [];
  for (const [index, {kind, path}] of files.entries()) {
    handle.signal?.throwIfAborted();
    if (isEnough()) break;
    const id = basename(path);
    const wrong = await whatIsWrong(path, id);
    if (wrong !== undefined) damaged.push({kind, id, problem: `${meaning[kind](id)}${wrong}`});
    onProgress?.({files: index + 1, totalFiles: files.length});
  }
  return damaged;
}

/** The same for the keys alone and at once, since they are few and small: the ids of the damaged ones, and how many are sound. */
export function findDamagedKeys(handle: ResticHandle): {damaged: string[]; sound: number} {
  const paths = filesOf(handle, 'keys');
  const damaged = paths.filter((path) => createHash('sha256').update(readFileSync(path)).digest('hex') !== basename(path)).map((path) => basename(path));
  return {damaged, sound: paths.length - damaged.length};
}

function filesOf({repository}: ResticHandle, kind: FileKind, part?: DataPart): string[] {
  const names = namesIn(join(repository, kind), kind === 'data').filter((name) => /^[0-9a-f]{64}$/.test(basename(name)));
  const isWanted = (name: string) => kind !== 'data' || !part || Number.parseInt(basename(name).slice(0, 2), 16) % part.of === part.number - 1;
  return names.filter(isWanted).map((name) => join(repository, kind, name));
}

/** A directory that is not there, or may not be read, is restic's to complain about. */
function namesIn(directory: string, recursive: boolean): string[] {
  try {
    return readdirSync(directory, {recursive, encoding: 'utf8'});
  } catch {
    return [];
  }
}

/** A text to be added to what it means, empty where the content is simply another; undefined for a sound file. */
async function whatIsWrong(path: string, id: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    // One that is gone was pruned meanwhile, and one that may not be read is restic's to complain about.
    const code = systemCode(error);
    return code === 'ENOENT' || code === 'EACCES' ? undefined : ` (${messageOf(error)})`;
  }
  return hash.digest('hex') === id ? undefined : '';
}
