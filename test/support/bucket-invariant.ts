import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {LocalRepository} from './local-repository.ts';
import type {Bucket} from './s3-bucket.ts';

/** Knows what every state of a local repository needs, and whether a bucket holds all of it. */
export interface Invariant {
  /** Takes note of the local repository as it is now; call it whenever it has changed. */
  note(): Promise<void>;
  /**
   * Throws unless every pack that an index in the bucket names is there too, and for every snapshot all of the index as
   * it was in some moment when the local repository had that snapshot.
   */
  check(bucket: Bucket, root: string): Promise<void>;
}

interface State {
  snapshots: Set<string>;
  index: string[];
}

export function watchInvariant(local: LocalRepository): Invariant {
  const packsOf = new Map<string, string[]>();
  const states: State[] = [];
  return {
    note: async () => {
      const index = await local.ids('index');
      const unknown = index.filter((id) => !packsOf.has(id));
      const read = async (id: string) => {
        const {packs}: {packs: {id: string}[]} = JSON.parse(await local.restic(['cat', 'index', id, '--no-lock']));
        packsOf.set(id, packs.map((pack) => pack.id));
      };
      await Promise.all(unknown.map(read));
      states.push({snapshots: new Set(await local.ids('snapshots')), index});
    },
    check: async (bucket, root) => {
      const paths = (await bucket.list(`${root}/`)).map(({key}) => key.slice(root.length + 1));
      const there = new Set(paths);
      const idsOf = (kind: string) => paths.flatMap((path) => (path.startsWith(`${kind}/`) ? [path.slice(kind.length + 1)] : []));
      for (const id of idsOf('index')) {
        const packs = packsOf.get(id);
        if (!packs) throw new Error(`the bucket holds an index that the local repository never had: ${id}`);
        const missing = packs.filter((pack) => !there.has(`data/${pack.slice(0, 2)}/${pack}`));
        if (missing.length > 0) throw new Error(`the index ${id} names packs that are not in the bucket: ${missing.join(', ')}`);
      }
      for (const id of idsOf('snapshots')) {
        const isWhole = states.some(({snapshots, index}) => snapshots.has(id) && index.every((name) => there.has(`index/${name}`)));
        if (!isWhole) throw new Error(`the snapshot ${id} is in the bucket before its index`);
      }
    },
  };
}

/** How many packs a local repository has. */
export function countPacks(repository: string): number {
  return readdirSync(join(repository, 'data'), {recursive: true, encoding: 'utf8'}).filter((name) => /^[0-9a-f]{2}\/[0-9a-f]{64}$/.test(name)).length;
}
