/** A program that compresses: it turns its input back with `--decompress --stdout`. */
export interface Compression {
  readonly program: 'gzip' | 'bzip2' | 'xz' | 'zstd';
  readonly magic: readonly number[];
}

const compressions: readonly Compression[] = [
  {program: 'gzip', magic: [0x1f, 0x8b]},
  {program: 'bzip2', magic: [0x42, 0x5a, 0x68]},
  {program: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]},
  {program: 'zstd', magic: [0x28, 0xb5, 0x2f, 0xfd]},
];

/** How a file is compressed, by its first bytes; undefined when it is not. */
export function compressionOf(head: Uint8Array): Compression | undefined {
  return compressions.find(({magic}) => startsWith(head, magic));
}

/** A form in which a backup cannot be taken, and what makes another of it. */
export interface Obstacle {
  readonly what: string;
  readonly next: string;
}

const decrypt = 'Decrypt it first, into a file in a directory that only root may read, and import that.';
const unpack = 'Unpack it, and pack it again as a tar archive: tar cf NAME.tar -C DIR .';
const otherSystem = 'Only dumps of pg_dump are taken. Load it into PostgreSQL first, and back that up.';

/** What other tools write, by its first bytes. */
const obstacles: readonly (Obstacle & {readonly begins: string | readonly number[]})[] = [
  {begins: 'age-encryption.org/', what: 'is encrypted with age', next: decrypt},
  {begins: '-----BEGIN AGE ENCRYPTED FILE', what: 'is encrypted with age', next: decrypt},
  {begins: '-----BEGIN PGP MESSAGE', what: 'is encrypted with GnuPG', next: decrypt},
  {begins: 'Salted__', what: 'is encrypted with openssl', next: decrypt},
  {begins: [0x50, 0x4b, 0x03, 0x04], what: 'is a zip archive', next: unpack},
  {begins: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], what: 'is a 7z archive', next: unpack},
  {begins: 'Rar!', what: 'is a rar archive', next: unpack},
  {begins: [0x04, 0x22, 0x4d, 0x18], what: 'is compressed with lz4', next: 'Decompress it first: lz4 -d FILE'},
  {begins: [0x1f, 0x9d], what: 'is compressed with compress', next: 'Decompress it first: uncompress FILE'},
  {begins: '-- MySQL dump', what: 'is a dump of MySQL', next: otherSystem},
  {begins: '-- MariaDB dump', what: 'is a dump of MariaDB', next: otherSystem},
  {begins: '/*M!999999', what: 'is a dump of MariaDB', next: otherSystem},
  {begins: 'PRAGMA foreign_keys', what: 'is a dump of SQLite', next: otherSystem},
  {begins: 'SQLite format 3', what: 'is a database of SQLite', next: otherSystem},
  {begins: [0x6d, 0xe2, 0x99, 0x81], what: 'is a dump of MongoDB', next: otherSystem},
  {begins: 'REDIS', what: 'is a dump of Redis', next: 'Only dumps of pg_dump and archives of the uploads are taken.'},
];

/** Why content that no source knows cannot be taken. */
export function obstacleIn(head: Uint8Array): Obstacle {
  if (head.length === 0) return {what: 'is empty', next: 'Look for a copy of it elsewhere.'};
  const known = obstacles.find(({begins}) => startsWith(head, typeof begins === 'string' ? Buffer.from(begins) : begins));
  if (known) return known;
  // The packets of OpenPGP that encrypted messages begin with: a session key for a public key (1) or a password (3).
  const [first = 0, , version] = head;
  const tag = first & 0x40 ? first & 0x3f : (first >> 2) & 0x0f;
  if (first & 0x80 && (tag === 1 || tag === 3) && (version === 3 || version === 4 || head[3] === 3 || head[3] === 4)) return {what: 'seems to be encrypted with GnuPG', next: decrypt};
  return {what: 'is neither a dump of pg_dump nor a tar archive', next: 'Give the files that pg_dump and tar wrote; what is taken, and what is not: docs/import.md'};
}

function startsWith(head: Uint8Array, magic: ArrayLike<number>): boolean {
  return head.length >= magic.length && Array.from(magic).every((byte, index) => head[index] === byte);
}
