/** What the beginning of an archive of pg_dump tells; see "pg_backup_archiver.c" in PostgreSQL's source for the layout. */
export interface ArchiveHeader {
  readonly format: 'custom' | 'tar' | 'directory' | 'unknown';
  /** When it was made; the time zone is not told, and taken for UTC, which containers have. */
  readonly time: Date | undefined;
  /** The server's version. */
  readonly server: string | undefined;
}

const magic = 'PGDMP';
const formats: Readonly<Record<number, ArchiveHeader['format']>> = {1: 'custom', 3: 'tar', 5: 'directory'};

/** Reads the header; undefined when it is none. Pure. */
export function readArchiveHeader(bytes: Buffer): ArchiveHeader | undefined {
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const version = (bytes[5] ?? 0) * 256 + (bytes[6] ?? 0);
  const intSize = bytes[8] ?? 0;
  const format = formats[bytes[10] ?? 0] ?? 'unknown';
  // All versions since PostgreSQL 8.0 have these fields in this order.
  if (version < 0x10a || version > 0x1ff || intSize < 4 || intSize > 8) return {format, time: undefined, server: undefined};
  let at = 11;
  const readInt = (): number => {
    const value = [...bytes.subarray(at + 1, at + 5)].reduceRight((sum, byte) => sum * 256 + byte, 0);
    const isNegative = bytes[at] !== 0;
    at += 1 + intSize;
    return isNegative ? -value : value;
  };
  const readText = (): string | undefined => {
    const length = readInt();
    if (length < 0 || length > 1000) return undefined;
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  // The compression is a byte since 1.15 (PostgreSQL 16), and was a number before.
  if (version >= 0x10f) at += 1;
  else readInt();
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = Array.from({length: 6}, readInt);
  readInt();
  const time = new Date(Date.UTC(year + 1900, month, day, hour, minute, second));
  readText();
  const server = readText();
  const isSensible = year > 90 && year < 300 && month >= 0 && month < 12 && day > 0 && day < 32;
  return {format, time: isSensible ? time : undefined, server: server === undefined || server === '' ? undefined : server};
}
