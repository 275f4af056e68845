import {randomBytes} from 'node:crypto';
import {mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import type {Bench} from './bench.ts';
import {scratchDirectory} from './paths.ts';
import {makeEmptyRepository} from './restic-crypto.ts';
import type {ResticAge} from './restic.ts';

/** How to run restic; the newest on the local repository unless told. */
interface RunOptions {
  age?: ResticAge;
  repository?: string;
  env?: Record<string, string>;
}

/** A restic repository of its own, made from plain files. */
export interface LocalRepository {
  /** Goes away with all in it. */
  directory: string;
  path: string;
  /** The directory that is backed up. */
  source: string;
  id: string;
  restic(args: string[], options?: RunOptions): Promise<string>;
  /** Writes files of random content into the source. */
  change(files: Record<string, number>): Promise<void>;
  /** Backs the source up; hands back the id of the snapshot. */
  backup(): Promise<string>;
  /** The ids of the files of one kind, sorted. */
  ids(kind: 'index' | 'snapshots'): Promise<string[]>;
  remove(): Promise<void>;
}

export async function makeLocalRepository(bench: Bench): Promise<LocalRepository> {
  const directory = join(scratchDirectory, `repository-${randomBytes(4).toString('hex')}`);
  const path = join(directory, 'repository');
  const source = join(directory, 'source');
  await mkdir(source, {recursive: true});
  const restic: LocalRepository['restic'] = async (args, {age = 'newest', repository = path, env = {}} = {}) => {
    const given = {RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: 'a bench password', RESTIC_PACK_SIZE: '4', HOME: directory, ...env};
    const result = await execa(bench.restic[age], ['--no-cache', ...args], {env: given, extendEnv: false, maxBuffer: 2 ** 28});
    return result.stdout;
  };
  const ids: LocalRepository['ids'] = async (kind) => (await readdir(join(path, kind))).filter((name) => /^[0-9a-f]{64}$/.test(name)).toSorted();
  const id = await makeEmptyRepository(path, 'a bench password');
  return {
    directory, path, source, id, restic, ids,
    change: async (files) => {
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(source, name), randomBytes(bytes));
    },
    backup: async () => {
      const before = await ids('snapshots');
      await restic(['backup', '--quiet', '--tag', 'timetiles', source]);
      const [added, ...more] = (await ids('snapshots')).filter((name) => !before.includes(name));
      if (added === undefined || more.length > 0) throw new Error('a backup did not leave exactly one snapshot');
      return added;
    },
    remove: () => rm(directory, {recursive: true, force: true}),
  };
}
