import {createHash} from 'node:crypto';
import {closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type BigIntStats} from 'node:fs';
import {execa} from 'execa';

interface Entry {
  /** Relative to the root of the tree, as the bytes that the file system holds. */
  path: Buffer;
  status: BigIntStats;
}

const chunk = Buffer.allocUnsafe(1024 * 1024);

/**
 * Everything that a restore has to bring back, one line per entry in the order of the names' bytes: path, type, mode,
 * owner, mtime in nanoseconds, size, link target, hard-link group, extended attributes, SHA-256. The root is the first.
 */
export async function listTree(root: string): Promise<string> {
  const attributes = await readAttributes(root);
  const entries = [...walk(Buffer.from(root), Buffer.from('.'))].toSorted((a, b) => Buffer.compare(a.path, b.path));
  const groups = hardLinkGroups(entries);
  const lines = entries.map((entry) => {
    const {path, status} = entry;
    const full = join(Buffer.from(root), path);
    const name = escape(path);
    const words = [
      name,
      typeOf(status),
      (Number(status.mode) & 0o7777).toString(8).padStart(4, '0'),
      `${status.uid}:${status.gid}`,
      String(status.mtimeNs),
    ];
    if (status.isFile()) words.push(String(status.size), sha256Of(full));
    if (status.isSymbolicLink()) words.push(`-> ${escape(readlinkSync(full, {encoding: 'buffer'}))}`);
    const group = groups.get(inode(status));
    if (group !== undefined) words.push(`same as ${group}`);
    words.push(...(attributes.get(name) ?? []));
    return words.join('\t');
  });
  return `${lines.join('\n')}\n`;
}

function* walk(root: Buffer, path: Buffer): Generator<Entry> {
  const full = join(root, path);
  const status = lstatSync(full, {bigint: true});
  yield {path, status};
  if (!status.isDirectory()) return;
  for (const name of readdirSync(full, {encoding: 'buffer'})) yield* walk(root, join(path, name));
}

/** The first name of each file that has several in this tree; names elsewhere do not count. */
function hardLinkGroups(entries: Entry[]): Map<string, string> {
  const first = new Map<string, string>();
  const groups = new Map<string, string>();
  for (const {path, status} of entries) {
    if (status.isDirectory() || status.nlink < 2n) continue;
    const earlier = first.get(inode(status));
    if (earlier === undefined) first.set(inode(status), escape(path));
    else groups.set(inode(status), earlier);
  }
  return groups;
}

function inode(status: BigIntStats): string {
  return `${status.dev}:${status.ino}`;
}

function typeOf(status: BigIntStats): string {
  if (status.isFile()) return 'file';
  if (status.isDirectory()) return 'directory';
  if (status.isSymbolicLink()) return 'symlink';
  if (status.isFIFO()) return 'fifo';
  return status.isSocket() ? 'socket' : `device ${status.rdev}`;
}

function sha256Of(path: Buffer): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const length = readSync(file, chunk);
      if (length === 0) return hash.digest('hex');
      hash.update(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

/** The extended attributes of every entry that has some, read in one go since a process per file is too slow. */
async function readAttributes(root: string): Promise<Map<string, string[]>> {
  const options = ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex'];
  const {stdout} = await execa('getfattr', [...options, '.'], {cwd: root, encoding: 'buffer', maxBuffer: 2 ** 28});
  const attributes = new Map<string, string[]>();
  for (const block of Buffer.from(stdout).toString('latin1').split('\n\n')) {
    const [heading = '', ...values] = block.split('\n').filter((line) => line !== '');
    const name = /^# file: (.*)$/.exec(heading)?.[1];
    if (name === undefined) continue;
    const bytes = name.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const path = bytes.startsWith('.') ? bytes : `./${bytes}`;
    attributes.set(escape(Buffer.from(path, 'latin1')), values.toSorted());
  }
  return attributes;
}

function join(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name]);
}

/** Printable text that says exactly which bytes a name has. */
function escape(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]|\\/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
