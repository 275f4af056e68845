import {createCipheriv} from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';

/** What is added to the usual difficult files, since it takes seconds. */
interface TortureOptions {
  /** A file of 1 GiB that does not compress. */
  gigabyte?: boolean;
  /** So many small files, in directories of a hundred. */
  small?: number;
  /** A symlink to a path that is not text: restic before 0.17 loses such a target, whoever calls it. */
  byteTarget?: boolean;
}

const slash = 0x2f;

/** Fills a directory with every kind of file that a backup has ever got wrong. Needs root. */
export async function writeTortureFiles(root: string, options: TortureOptions = {}): Promise<void> {
  mkdirSync(root, {recursive: true});
  writeNames(root);
  writeContents(root, options);
  writeLinks(root, options);
  writeModes(root);
  await writeAttributes(root);
  if (options.small) writeSmallFiles(root, options.small);
  await setTimes(root);
}

/** Writes so many small files, each different, in directories of a hundred below `root/small`. */
export function writeSmallFiles(root: string, count: number, bytes = 600): void {
  const noise = randomStream('small files');
  for (let index = 0; index < count; index += 1) {
    const directory = join(root, 'small', String(Math.floor(index / 100)).padStart(4, '0'));
    if (index % 100 === 0) mkdirSync(directory, {recursive: true});
    writeFileSync(join(directory, `photo-${index}.jpg`), noise(Math.floor(bytes / 2) + ((index * 7919) % bytes)));
  }
}

/** Bytes that do not compress and are the same in every run. */
function randomStream(seed: string): (length: number) => Buffer {
  const cipher = createCipheriv('aes-128-ctr', seed.padEnd(16).slice(0, 16), Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

function writeNames(root: string): void {
  const names = [
    'plain.txt', 'with space', ' leading and trailing ', '-rf', '--help', '-', '...', '.hidden', '*', '?', '[a]', '~',
    'single\'quote', 'double"quote', 'back`tick', '$HOME', '$(id)', '%s%n', 'a;b|c&d', 'back\\slash', 'tab\there',
    'new\nline', '\n', 'carriage\rreturn', 'ending\\', '#comment', '!bang', 'a=b', 'a:b', 'a,b', '{a}', 'café', 'cafe\u0301',
    '日本語', '\u202Eright to left', '🗺️ map.png', 'restic-excludes.tmp', 'x'.repeat(255), 'é'.repeat(127),
  ];
  const directory = join(root, 'names');
  mkdirSync(directory);
  for (const name of names) {
    writeFileSync(join(directory, name), `content of ${name}`);
    // As directory names too, where they become part of other paths.
    mkdirSync(join(root, 'directory names', name), {recursive: true});
    writeFileSync(join(root, 'directory names', name, 'inside'), name);
  }
  // Names are bytes, and need not be text in any encoding.
  const everyByte = Buffer.from(Array.from({length: 255}, (_, index) => index + 1).filter((byte) => byte !== slash));
  const bytes = [Buffer.from('latin1 caf\xe9', 'latin1'), Buffer.from([0xff, 0xfe, 0x80]), everyByte, Buffer.from([0xc0, 0x80])];
  for (const name of bytes) writeFileSync(bytePath(directory, name), name);
  const bytesDirectory = bytePath(directory, Buffer.from('latin1 dir \xfc', 'latin1'));
  mkdirSync(bytesDirectory);
  writeFileSync(bytePath(bytesDirectory, Buffer.from([0xe9])), 'deep');
  const deep = join(root, ...Array.from({length: 25}, (_, index) => `level ${index} ${'deep '.repeat(8)}`));
  mkdirSync(deep, {recursive: true});
  writeFileSync(join(deep, 'bottom'), 'bottom');
}

function writeContents(root: string, options: TortureOptions): void {
  const directory = join(root, 'contents');
  mkdirSync(directory);
  mkdirSync(join(directory, 'empty directory'));
  writeFileSync(join(directory, 'empty'), '');
  writeFileSync(join(directory, 'zeros'), Buffer.alloc(3 * 1024 * 1024));
  const noise = randomStream('contents');
  writeFileSync(join(directory, 'binary'), noise(5 * 1024 * 1024 + 1));
  writeFileSync(join(directory, 'all zero'), '');
  truncateSync(join(directory, 'all zero'), 64 * 1024 * 1024);
  const sparse = openSync(join(directory, 'sparse'), 'w');
  writeSync(sparse, 'begin', 0);
  writeSync(sparse, 'end', 64 * 1024 * 1024);
  closeSync(sparse);
  mkdirSync(join(directory, 'cache'));
  // Says "do not back me up" to some tools; an upload is an upload.
  writeFileSync(join(directory, 'cache', 'CACHEDIR.TAG'), 'Signature: 8a477f597d28d172789f06886806bc55');
  writeFileSync(join(directory, 'cache', 'kept'), 'kept');
  if (!options.gigabyte) return;
  const big = openSync(join(directory, 'gigabyte'), 'w');
  for (let part = 0; part < 256; part += 1) writeSync(big, noise(4 * 1024 * 1024));
  closeSync(big);
}

function writeLinks(root: string, options: TortureOptions): void {
  const directory = join(root, 'links');
  mkdirSync(join(directory, 'other'), {recursive: true});
  writeFileSync(join(directory, 'first'), 'one file, three names');
  linkSync(join(directory, 'first'), join(directory, 'second'));
  linkSync(join(directory, 'first'), join(directory, 'other', 'third'));
  // Equal content is not the same file.
  writeFileSync(join(directory, 'copy'), 'one file, three names');
  writeFileSync(join(directory, 'pair a'), '');
  linkSync(join(directory, 'pair a'), join(directory, 'pair b'));
  symlinkSync('first', join(directory, 'relative'));
  symlinkSync('../names/new\nline', join(directory, 'to new\nline'));
  symlinkSync('nowhere/at all', join(directory, 'dangling'));
  symlinkSync('/etc/hostname', join(directory, 'absolute'));
  symlinkSync('..', join(directory, 'up'));
  symlinkSync('loop', join(directory, 'loop'));
  symlinkSync('other', join(directory, 'to directory'));
  if (options.byteTarget) symlinkSync(bytePath('somewhere', Buffer.from([0xff, 0xe9])), join(directory, 'to bytes'));
  symlinkSync(`${'long/'.repeat(400)}end`, join(directory, 'long target'));
}

function writeModes(root: string): void {
  const directory = join(root, 'modes');
  mkdirSync(directory);
  for (const mode of [0o000, 0o400, 0o600, 0o644, 0o666, 0o755, 0o777, 0o1644, 0o2755, 0o4755, 0o6711]) {
    const name = mode.toString(8).padStart(4, '0');
    const file = join(directory, `file ${name}`);
    writeFileSync(file, name);
    // Changing the owner clears setuid, so the mode comes last.
    chownSync(file, 1000 + (mode % 7), 1000 + (mode % 5));
    chmodSync(file, mode);
    const folder = join(directory, `directory ${name}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'inside'), name);
    chownSync(folder, 33, 65_534);
    chmodSync(folder, mode);
  }
  writeFileSync(join(directory, 'unknown owner'), '');
  chownSync(join(directory, 'unknown owner'), 4_000_000_000, 4_000_000_001);
}

async function writeAttributes(root: string): Promise<void> {
  const directory = join(root, 'attributes');
  mkdirSync(directory);
  writeFileSync(join(directory, 'file'), 'with attributes');
  const set = (name: string, value: string, path: string) => execa('setfattr', ['-n', name, '-v', value, join(directory, path)]);
  await set('user.origin', 'camera 1', 'file');
  await set('user.binary', '0x00ff0a5c', 'file');
  await set('user.empty', '', 'file');
  await set('user.long', 'v'.repeat(2000), 'file');
  await set('user.directory', 'yes', '.');
  await execa('mkfifo', ['-m', '0640', join(directory, 'fifo')]);
}

async function setTimes(root: string): Promise<void> {
  const directory = join(root, 'times');
  mkdirSync(directory);
  const touch = (time: string, path: string) => execa('touch', ['-h', '-d', time, join(root, path)]);
  for (const time of ['@0.000000001', '@1.999999999', '@1234567890.123456789', '@-86400.5', '@4102444800.25']) {
    writeFileSync(join(directory, time), time);
    await touch(time, join('times', time));
  }
  lutimesSync(join(root, 'links', 'dangling'), 1_000_000_000, 1_000_000_000);
  await touch('@1111111111.111111111', 'links/relative');
  await touch('@1222222222.222222222', 'links');
  await touch('@1333333333.333333333', 'contents/empty directory');
  await touch('@1444444444.444444444', 'times');
  chownSync(root, 1000, 1001);
  chmodSync(root, 0o2775);
  utimesSync(root, 1_555_555_555, 1_555_555_555);
}

function bytePath(directory: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), name]);
}
