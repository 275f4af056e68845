import {createReadStream} from 'node:fs';
import {open, stat} from 'node:fs/promises';
import {baseEnvironment} from '../../process/environment.ts';
import {describeEnd, startCommand, type CommandResult} from '../../process/run.ts';
import {messageOf, systemCode, TimetilesError} from '../../shared/errors.ts';
import {shellWord} from '../../shared/format.ts';
import {compressionOf, type Compression} from './compression.ts';

/** So much of the content is looked at to tell what it is. */
const headBytes = 65_536;

/** A file that another tool wrote. */
export interface ForeignFile {
  readonly path: string;
  readonly bytes: number;
  readonly modified: Date;
  readonly compression: Compression | undefined;
  /** The first bytes of its content, decompressed. */
  readonly head: Buffer;
}

/** The error that a file cannot be taken, and nothing of it was stored. */
export function refusal(path: string, reason: string, next: string, cause?: unknown): TimetilesError {
  return new TimetilesError('import', `${path} ${reason}`, next, cause === undefined ? {} : {cause});
}

/** Opens a file and looks at its beginning. @throws TimetilesError `import` when it cannot be read or is no file */
export async function openForeignFile(path: string, signal: AbortSignal): Promise<ForeignFile> {
  const status = await stat(path).catch((error: unknown) => {
    throw refusal(path, systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(error)}`, 'Check its name and who may read it.', error);
  });
  if (status.isDirectory()) {
    throw refusal(path, 'is a directory', `Of uploads make a tar archive: tar cf NAME.tar -C ${shellWord(path)} . — Of a pg_dump in directory format a plain dump: pg_restore --file=NAME.sql ${shellWord(path)}`);
  }
  if (!status.isFile()) throw refusal(path, 'is no regular file', 'Give the files that pg_dump and tar wrote.');
  const compression = compressionOf(await firstBytes(createReadStream(path, {end: 15, signal})));
  const file = {path, bytes: status.size, modified: status.mtime, compression};
  return {...file, head: await firstBytes(readContent({...file, isWhole: false}, signal))};
}

async function firstBytes(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of content) {
    parts.push(part);
    length += part.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(parts).subarray(0, headBytes);
}

/**
 * Reads the content of a file, decompressed by the program that compressed it, as fast as it is taken.
 * @throws TimetilesError `import` at the end of what is damaged or not whole, `program-missing`
 */
export async function* readContent(file: Pick<ForeignFile, 'path' | 'compression'> & {isWhole?: boolean}, signal: AbortSignal): AsyncGenerator<Buffer> {
  const {path, compression} = file;
  const source = await open(path, 'r');
  try {
    if (!compression) {
      yield* source.createReadStream({autoClose: false, highWaterMark: 262_144, signal});
      return;
    }
    const child = startCommand({file: compression.program, args: ['--decompress', '--stdout'], env: baseEnvironment(), stdin: {fd: source.fd}, stdout: 'stream', signal});
    try {
      if (child.output) yield* child.output;
      const result = await child.result;
      if (!endedWell(compression, result)) {
        const said = result.stderr.trim().split('\n').at(-1)?.replace(/^\S+: (\(?stdin\)?|\S+): /, '') ?? '';
        throw refusal(path, `is damaged or not whole: ${compression.program} says ${said === '' ? describeEnd(result) : said}`, 'Look for another copy of it; nothing of it was stored.');
      }
    } finally {
      // Whoever has seen enough stops reading.
      child.output?.destroy();
      child.stop('SIGKILL');
      await child.result.catch(() => undefined);
    }
  } finally {
    await source.close();
  }
}

/** gzip warns by 2 of padding behind its data, as tapes leave it. */
function endedWell({program}: Compression, {exitCode}: CommandResult): boolean {
  return exitCode === 0 || (program === 'gzip' && exitCode === 2);
}
