/** A member of a tar archive. */
export interface TarMember {
  /** Its path as the archive has it; one character per byte. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link' | 'device' | 'other';
  /** Bytes of its content once it is unpacked; sparse files take less. */
  readonly bytes: number;
}

/** Why an archive cannot be taken. */
export class TarProblem extends Error {}

const block = 512;
/** Long names and extended headers; anything larger is no header of a sound archive. */
const longestHeader = 1024 * 1024;
const kinds: Readonly<Record<string, TarMember['kind']>> = {'0': 'file', '\0': 'file', '7': 'file', S: 'file', '5': 'directory', D: 'directory', '1': 'link', '2': 'link', '3': 'device', '4': 'device'};

/** Whether bytes begin with the header of a tar archive. */
export function isTarHeader(bytes: Buffer): boolean {
  return bytes.length >= block && bytes[0] !== 0 && hasChecksum(bytes);
}

type State = 'header' | 'extension' | 'sparse' | 'data' | 'end';

/**
 * Walks through a tar archive (v7, ustar, pax, GNU) in any pieces that it comes in.
 * @see "Basic Tar Format" in the manual of GNU tar
 */
export class TarReader {
  private state: State = 'header';
  private rest: Buffer = Buffer.alloc(0);
  /** Bytes of the present member that are still to come, with its padding. */
  private left = 0;
  private offset = 0;
  private zeros = 0;
  private isKept = true;
  /** Headers that belong to the next member, as they came. */
  private prelude: Buffer[] = [];
  private extensionType = '';
  private extension: Buffer[] = [];
  private longPath: string | undefined;
  private pax = new Map<string, string>();
  private passed: Buffer[] = [];

  private readonly wants: (member: TarMember) => boolean;

  /** @param wants told of each member; one that is not wanted is left out of what `push` hands on */
  constructor(wants: (member: TarMember) => boolean) {
    this.wants = wants;
  }

  /** Takes the next piece. @returns the archive without what is left out @throws TarProblem */
  push(chunk: Buffer): Buffer[] {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (at < bytes.length) {
      const next = this.step(bytes, at);
      if (next === at) break;
      this.offset += next - at;
      at = next;
    }
    this.rest = Buffer.from(bytes.subarray(at));
    const taken = this.passed;
    this.passed = [];
    return taken;
  }

  /** @throws TarProblem when the end of the archive has not come */
  end(): void {
    if (this.state !== 'end') throw new TarProblem('is not whole: the end of the archive is missing');
  }

  private step(bytes: Buffer, at: number): number {
    if (this.state === 'data' || this.state === 'extension') return this.takeContent(bytes, at);
    if (this.state === 'end') return this.takePadding(bytes, at);
    if (bytes.length - at < block) return at;
    const header = bytes.subarray(at, at + block);
    if (this.state === 'sparse') this.takeSparse(header);
    else if (header.every((byte) => byte === 0)) this.takeZeros(header);
    else this.takeHeader(header);
    return at + block;
  }

  private takeContent(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + this.left);
    const part = bytes.subarray(at, end);
    this.left -= part.length;
    if (this.state === 'extension') {
      // A copy: the piece's memory may be used again before the member comes.
      this.prelude.push(Buffer.from(part));
      this.extension.push(Buffer.from(part));
      if (this.left === 0) this.takeExtension();
    } else if (this.isKept) this.passed.push(part);
    if (this.left === 0) this.state = 'header';
    return end;
  }

  private takePadding(bytes: Buffer, at: number): number {
    if (bytes.subarray(at).some((byte) => byte !== 0)) throw new TarProblem('has more after its end, as when several archives are put together');
    return bytes.length;
  }

  /** Two blocks of zeros are the end. */
  private takeZeros(header: Buffer): void {
    this.zeros += 1;
    this.passed.push(header);
    if (this.zeros === 2) this.state = 'end';
  }

  private takeHeader(header: Buffer): void {
    if (!hasChecksum(header) || this.zeros > 0) throw new TarProblem(`is damaged: there is no header at byte ${this.offset}`);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'M') throw new TarProblem('is a part of an archive of several volumes');
    const size = readNumber(header, 124, 12);
    if (['L', 'K', 'x', 'g', 'X'].includes(type)) {
      if (size > longestHeader) throw new TarProblem(`is damaged: a header of ${size} bytes at byte ${this.offset}`);
      this.prelude.push(Buffer.from(header));
      this.extensionType = type;
      this.extension = [];
      this.startContent('extension', size);
      return;
    }
    this.takeMember(header, type, size);
  }

  private takeMember(header: Buffer, type: string, size: number): void {
    const stored = Number(this.pax.get('size') ?? size);
    const path = this.pax.get('GNU.sparse.name') ?? this.pax.get('path') ?? this.longPath ?? pathOf(header);
    const unpacked = type === 'S' ? readNumber(header, 483, 12) : Number(this.pax.get('GNU.sparse.realsize') ?? this.pax.get('GNU.sparse.size') ?? stored);
    // Before there were types, a slash at the end made a directory.
    const kind = path.endsWith('/') && (type === '0' || type === '\0') ? 'directory' : (kinds[type] ?? 'other');
    this.isKept = type === 'V' || this.wants({path, kind, bytes: kind === 'file' ? unpacked : 0});
    if (this.isKept) this.passed.push(...this.prelude, header);
    this.prelude = [];
    this.longPath = undefined;
    this.pax = new Map();
    if (type === 'S' && header[482] === 1) {
      this.state = 'sparse';
      this.left = padded(stored);
      return;
    }
    this.startContent('data', stored);
  }

  private takeSparse(header: Buffer): void {
    if (this.isKept) this.passed.push(header);
    if (header[504] !== 1) this.state = this.left === 0 ? 'header' : 'data';
  }

  private startContent(state: 'data' | 'extension', size: number): void {
    if (!Number.isSafeInteger(size) || size < 0) throw new TarProblem(`is damaged: a size that is none at byte ${this.offset}`);
    this.left = padded(size);
    this.state = this.left === 0 ? 'header' : state;
    if (this.left === 0 && state === 'extension') this.takeExtension();
  }

  private takeExtension(): void {
    const bytes = Buffer.concat(this.extension);
    if (this.extensionType === 'L') this.longPath = textOf(bytes);
    if (this.extensionType === 'x' || this.extensionType === 'X') this.pax = readPax(bytes);
  }
}

function padded(size: number): number {
  return Math.ceil(size / block) * block;
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end);
}

function pathOf(header: Buffer): string {
  const name = textOf(header.subarray(0, 100));
  // GNU's own format has times where ustar has the first part of the path.
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? textOf(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal digits, or binary where the first bit is set. */
function readNumber(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  if (((field[0] ?? 0) & 0x80) === 0) return Number.parseInt(textOf(field).trim() || '0', 8);
  return [(field[0] ?? 0) & 0x7f, ...field.subarray(1)].reduce((sum, byte) => sum * 256 + byte, 0);
}

/** The sum of the header's bytes, its own field taken for spaces. */
function hasChecksum(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let index = 0; index < block; index += 1) if (index < 148 || index >= 156) sum += header[index] ?? 0;
  return sum === readNumber(header, 148, 8);
}

/** Records such as `30 path=a long name\n`, whose first number is their length. */
function readPax(bytes: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const length = Number.parseInt(bytes.toString('latin1', at, at + 12), 10);
    if (!(length > 4)) throw new TarProblem('is damaged: an extended header cannot be read');
    const [, key = '', value = ''] = /^\d+ ([^=]+)=(.*)\n$/s.exec(bytes.toString('latin1', at, at + length)) ?? [];
    records.set(key, value);
    at += length;
  }
  return records;
}
