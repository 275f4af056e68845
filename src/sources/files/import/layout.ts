import {TarProblem, type TarMember} from './tar-reader.ts';

/** Folders that hold uploads, in an archive that has no entries for folders. */
const usualNames = new Set(['uploads', '_data']);

/** What an archive holds, counted as its members come by. */
export interface ArchiveLayout {
  add(member: TarMember): void;
  readonly files: () => number;
  readonly bytes: () => number;
  /**
   * The folder that is the uploads directory, as a path in the archive; empty: the archive's own top.
   * @param strip how many folders the operator says; undefined: as the archive tells
   * @throws TarProblem when its members do not share so many folders
   */
  root(strip: number | undefined): readonly string[];
  /** Whether the archive tells mode and owner of such a folder itself. */
  describes(root: readonly string[]): boolean;
}

/**
 * Tells what an archive was made of. tar writes the folder that it was given first, and then what is in it; without such
 * an entry a shared folder counts only when it has one of the usual names.
 */
export function readLayout(): ArchiveLayout {
  let files = 0;
  let bytes = 0;
  let first: {path: readonly string[]; isDirectory: boolean} | undefined;
  let common: readonly string[] | undefined;
  /** Entries of the folders in which the first member lies: what all share can only be one of these. */
  const described = new Set<string>();
  return {
    add({path, kind, bytes: size}) {
      const names = namesOf(path);
      const folder = kind === 'directory' ? names : names.slice(0, -1);
      first ??= {path: names, isDirectory: kind === 'directory'};
      if (kind === 'directory' && names.every((name, index) => name === first?.path[index])) described.add(names.join('/'));
      common = common === undefined ? folder : sharedStart(common, folder);
      if (kind !== 'directory') files += 1;
      bytes += size;
    },
    files: () => files,
    bytes: () => bytes,
    describes: (root) => described.has(root.join('/')),
    root(strip) {
      const shared = common ?? [];
      if (strip !== undefined) {
        if (strip > shared.length) throw new TarProblem(`has members that do not share ${strip} top folders, only: ${shared.length === 0 ? 'none' : shared.join('/')}`);
        return shared.slice(0, strip);
      }
      // What all share cannot be longer than the first member, if that is a folder.
      if (first?.isDirectory === true && first.path.length <= shared.length) return first.path;
      return shared.slice(0, shared.findLastIndex((name) => usualNames.has(name)) + 1);
    },
  };
}

/** The parts of a member's path. @throws TarProblem when it leads out of the archive */
function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new TarProblem(`has a member that leads out of it: ${path}`);
  return names;
}

function sharedStart(a: readonly string[], b: readonly string[]): readonly string[] {
  const end = a.findIndex((name, index) => name !== b[index]);
  return end === -1 ? a : a.slice(0, end);
}
