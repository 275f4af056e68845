import {join} from 'node:path';
import {z} from 'zod';
import {plainRestic, type PlainResticOptions} from './plain-restic.ts';
import type {Stack} from './stack.ts';

/** Where a piece of a file lies. */
interface BlobPlace {
  /** The pack's path. */
  pack: string;
  /** In bytes from its beginning. */
  offset: number;
  length: number;
}

const snapshotSchema = z.object({tree: z.string()});
const treeSchema = z.object({nodes: z.array(z.object({name: z.string(), content: z.array(z.string()).nullish()}))});
const indexSchema = z.object({packs: z.array(z.object({id: z.string(), blobs: z.array(z.object({id: z.string(), offset: z.number(), length: z.number()}))}))});

/** The pieces of a file in the root of a snapshot, in the file's own order. */
export async function blobsOf(stack: Stack, snapshot: string, name: string, options: PlainResticOptions = {}): Promise<BlobPlace[]> {
  const cat = async (...args: string[]): Promise<unknown> => JSON.parse(await plainRestic(stack, ['cat', ...args], options));
  const {tree} = snapshotSchema.parse(await cat('snapshot', snapshot));
  const content = treeSchema.parse(await cat('blob', tree)).nodes.find((node) => node.name === name)?.content ?? [];
  const places = new Map<string, BlobPlace>();
  for (const index of (await plainRestic(stack, ['list', 'index'], options)).trim().split('\n')) {
    for (const {id, blobs} of indexSchema.parse(await cat('index', index)).packs) {
      const pack = join(stack.repository, 'data', id.slice(0, 2), id);
      for (const {id: blob, offset, length} of blobs) places.set(blob, {pack, offset, length});
    }
  }
  return content.map((blob) => {
    const place = places.get(blob);
    if (place === undefined) throw new Error(`no index names the blob ${blob} of ${name}`);
    return place;
  });
}
