import {chmodSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';

export type FileKind = 'data' | 'index' | 'snapshots' | 'keys';

/** The paths of a repository's files of one kind, sorted. */
export function filesOfKind(repository: string, kind: FileKind): string[] {
  const names = readdirSync(join(repository, kind), {recursive: true, encoding: 'utf8'}).filter((name) => /^[0-9a-f]{64}$/.test(basename(name)));
  return names.toSorted().map((name) => join(repository, kind, name));
}

/** Turns one bit of a file over, anywhere in it. @returns what turns it back */
export function flipBit(path: string, random: () => number): () => void {
  const bit = Math.floor(random() * readFileSync(path).length * 8);
  const flip = () => {
    const content = readFileSync(path);
    content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    chmodSync(path, 0o600);
    writeFileSync(path, content);
  };
  flip();
  return flip;
}

/** So many of a list, no two the same. */
export function pick<Item>(items: readonly Item[], count: number, random: () => number): Item[] {
  const shuffled = items.map((item) => ({item, order: random()})).toSorted((a, b) => a.order - b.order);
  return shuffled.slice(0, count).map(({item}) => item);
}
