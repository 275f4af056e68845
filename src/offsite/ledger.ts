import {closeSync, fsyncSync, openSync, readFileSync, writeSync} from 'node:fs';
import {z} from 'zod';
import {writeFileAtomically} from '../shared/atomic-file.ts';
import {pathExists} from '../shared/path-exists.ts';
import {parseJson} from '../shared/parse-json.ts';

/** Which copy a ledger is about. */
export interface LedgerOwner {
  /** Id of the local repository. */
  readonly repository: string;
  /** The S3 address, without any secret. */
  readonly url: string;
}

interface SentObject {
  /** The key below the epoch, such as `data/ab/ab12…`. */
  readonly path: string;
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly version: string | undefined;
  readonly time: Date;
}

export interface Epoch {
  /** Such as `20261121T020000Z-3f9a`; sorts by time. */
  readonly name: string;
  readonly begun: Date;
}

/** What this host knows to be in the bucket: one epoch, and every object of it that the service has acknowledged. */
export interface Ledger {
  /** Undefined when there is none yet, when the file was lost, or when it is about another copy. */
  readonly epoch: Epoch | undefined;
  readonly sent: ReadonlyMap<string, number>;
  /** Lines that could not be read: what they told is sent again. */
  readonly damagedLines: number;
  /** Writes the file anew without them. */
  repair(): Promise<void>;
  /** Forgets the epoch before and begins another. */
  begin(epoch: Epoch): Promise<void>;
  /** Notes one object, in the kernel's hands when this returns. */
  record(object: SentObject): void;
  /** Returns when everything noted is on the disk. */
  sync(): void;
  close(): void;
}

const epochLine = z.object({epoch: z.string(), begun: z.string(), repository: z.string(), url: z.string()});
const objectLine = z.object({path: z.string(), bytes: z.number()});

interface Content {
  epoch: Epoch | undefined;
  sent: Map<string, number>;
  damagedLines: number;
  endsClean: boolean;
}

/**
 * Opens the ledger: lines of JSON, one for the epoch and one for every object, appended as they are acknowledged. A line
 * that a crash cut or damaged is left out; a file that is gone, or is about another copy, is a ledger without epoch.
 */
export function openLedger(path: string, owner: LedgerOwner): Ledger {
  const content = readLedger(path, owner);
  let fd: number | undefined;
  const close = () => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  return {
    get epoch() {
      return content.epoch;
    },
    get sent() {
      return content.sent;
    },
    damagedLines: content.damagedLines,
    async repair() {
      close();
      const lines = readFileSync(path, 'utf8').split('\n');
      await writeFileAtomically(path, lines.filter((line) => parseJson(line) !== undefined).map((line) => `${line}\n`).join(''));
      content.endsClean = true;
    },
    async begin(epoch) {
      close();
      const line = {epoch: epoch.name, begun: epoch.begun.toISOString(), ...owner};
      await writeFileAtomically(path, `${JSON.stringify(line)}\n`);
      Object.assign(content, {epoch, sent: new Map(), endsClean: true});
    },
    record({path: key, bytes, etag, version, time}) {
      if (fd === undefined) {
        fd = openSync(path, 'a', 0o600);
        if (!content.endsClean) writeSync(fd, '\n');
        content.endsClean = true;
      }
      writeSync(fd, `${JSON.stringify({path: key, bytes, etag, version, time: time.toISOString()})}\n`);
      content.sent.set(key, bytes);
    },
    sync() {
      if (fd !== undefined) fsyncSync(fd);
    },
    close,
  };
}

function readLedger(path: string, owner: LedgerOwner): Content {
  const content: Content = {epoch: undefined, sent: new Map(), damagedLines: 0, endsClean: true};
  if (!pathExists(path)) return content;
  const text = readFileSync(path, 'utf8');
  content.endsClean = text === '' || text.endsWith('\n');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const value = parseJson(line);
    const epoch = epochLine.safeParse(value).data;
    const object = objectLine.safeParse(value).data;
    if (epoch) {
      const isOurs = epoch.repository === owner.repository && epoch.url === owner.url;
      content.epoch = isOurs ? {name: epoch.epoch, begun: new Date(epoch.begun)} : undefined;
      content.sent.clear();
    } else if (object) content.sent.set(object.path, object.bytes);
    else content.damagedLines += 1;
  }
  if (!content.epoch) content.sent.clear();
  return content;
}
