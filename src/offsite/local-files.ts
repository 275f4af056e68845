import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {readdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../shared/errors.ts';

/** The kinds of files in a restic repository that make it whole; locks and temporary files stay at home. */
export type FileKind = 'config' | 'keys' | 'data' | 'index' | 'snapshots';

export interface LocalFile {
  readonly kind: FileKind;
  /** The path below the repository, which is also the key below the epoch: `data/ab/ab12…`. */
  readonly path: string;
  readonly bytes: number;
}

export type LocalListing = Readonly<Record<FileKind, readonly LocalFile[]>>;

/** A file that was listed is gone: a prune ran, and the listing is out of date. */
export class VanishedFile extends Error {
  constructor(path: string) {
    super(`${path} is gone`);
    this.name = 'VanishedFile';
  }
}

const hexName = /^[0-9a-f]{64}$/;

/**
 * Lists a local repository: snapshots first, then index, then data. What a snapshot needs is stored before it, so that
 * whatever is in a listing has all it needs in the same listing, unless a file vanishes meanwhile.
 */
export async function listLocalFiles(repository: string): Promise<LocalListing> {
  const snapshots = await listFolder(repository, 'snapshots', 'snapshots');
  const index = await listFolder(repository, 'index', 'index');
  const folders = (await readdir(join(repository, 'data'))).filter((name) => /^[0-9a-f]{2}$/.test(name)).toSorted();
  const data: LocalFile[] = [];
  for (const folder of folders) data.push(...(await listFolder(repository, 'data', `data/${folder}`)));
  return {
    config: [{kind: 'config', path: 'config', bytes: (await stat(join(repository, 'config'))).size}],
    keys: await listFolder(repository, 'keys', 'keys'),
    data,
    index,
    snapshots,
  };
}

async function listFolder(repository: string, kind: FileKind, folder: string): Promise<LocalFile[]> {
  const names = (await readdir(join(repository, folder))).filter((name) => hexName.test(name)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = `${folder}/${name}`;
      return {kind, path, bytes: await sizeOf(repository, path)};
    }),
  );
}

async function sizeOf(repository: string, path: string): Promise<number> {
  try {
    return (await stat(join(repository, path))).size;
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? new VanishedFile(path) : error;
  }
}

export interface Digests {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64. */
  readonly md5: string;
  readonly bytes: number;
}

/** Reads a file to its end; undefined when the disk cannot read it. @throws VanishedFile */
export async function digestFile(repository: string, path: string): Promise<Digests | undefined> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(join(repository, path), {highWaterMark: 256 * 1024})) {
      if (!Buffer.isBuffer(chunk)) continue;
      sha256.update(chunk);
      md5.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if (systemCode(error) === 'EIO') return undefined;
    throw systemCode(error) === 'ENOENT' ? new VanishedFile(path) : error;
  }
  return {sha256: sha256.digest('hex'), md5: md5.digest('base64'), bytes};
}

/** Whether a file's name, where it has one that is a digest, is that of its content. */
export function isIntact(file: LocalFile, digests: Digests): boolean {
  return file.kind === 'config' || file.path.endsWith(`/${digests.sha256}`);
}
