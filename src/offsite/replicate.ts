import {join} from 'node:path';
import {messageOf, systemCode, TimetilesError} from '../shared/errors.ts';
import {plural} from '../shared/format.ts';
import type {Progress} from '../shared/log.ts';
import {readFileAt, type Bandwidth} from './bandwidth.ts';
import {createDigester, type Digester} from './digest.ts';
import type {Ledger} from './ledger.ts';
import {digestFile, isIntact, listLocalFiles, VanishedFile, type FileKind, type LocalFile} from './local-files.ts';
import type {S3Client} from './s3/client.ts';

/** Everything that replicating one repository into one epoch needs. */
export interface Replication {
  /** Path of the local repository. */
  readonly repository: string;
  readonly client: Pick<S3Client, 'put'>;
  readonly ledger: Ledger;
  /** The key of the epoch, without a slash at its end. */
  readonly root: string;
  /** Whether to send `If-None-Match: *`. */
  readonly conditional: boolean;
  /** Uploads at a time. */
  readonly connections: number;
  readonly bandwidth: Bandwidth | undefined;
  readonly now: () => Date;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Omit<Progress, 'label'>) => void;
}

export interface Replicated {
  /** Objects that were sent now, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** Whether the service knows `If-None-Match`, as far as it has told. */
  readonly conditional: boolean;
}

/** What must be in the bucket before what: no index may ever name a pack that is not there, and no snapshot an index. */
const stages: readonly (readonly FileKind[])[] = [['config', 'keys'], ['data'], ['index'], ['snapshots']];
/** A prune beside this takes files away once; a directory that never stands still is something else. */
const listings = 5;

/**
 * Copies what the epoch lacks of a local repository, by PutObject alone. It can be stopped anywhere: what the service has
 * acknowledged is in the ledger, and the next run goes on from there.
 * @throws TimetilesError `repository-damaged` when a local file is not what its name says; S3Failure or a system error when the service fails
 */
export async function replicate(replication: Replication): Promise<Replicated> {
  const total = {files: 0, bytes: 0};
  const digester = createDigester();
  const running = {...replication, digester};
  try {
    for (let listing = 1; ; listing += 1) {
      try {
        await replicateListing(running, total);
        return {...total, conditional: running.conditional};
      } catch (error) {
        if (!(error instanceof VanishedFile) || listing === listings) throw error;
      }
    }
  } finally {
    replication.ledger.sync();
    await digester.close();
  }
}

interface Running extends Omit<Replication, 'conditional'> {
  readonly digester: Digester;
  /** Until the service answers that it knows no such thing. */
  conditional: boolean;
}

async function replicateListing(replication: Running, total: {files: number; bytes: number}): Promise<void> {
  const {ledger} = replication;
  const listing = await listLocalFiles(replication.repository);
  const missing = stages.map((kinds) => kinds.flatMap((kind) => listing[kind]).filter((file) => !ledger.sent.has(file.path)));
  const all = missing.flat();
  const goal = {totalBytes: total.bytes + all.reduce((sum, file) => sum + file.bytes, 0), totalFiles: total.files + all.length};
  let inFlight = 0;
  const tell = () => replication.onProgress({bytes: total.bytes + inFlight, files: total.files, ...goal});
  for (const files of missing) {
    const damaged: string[] = [];
    await forEachOf(files, replication.connections, async (file) => {
      let sentOfFile = 0;
      const onBytes = (bytes: number) => {
        sentOfFile += bytes;
        inFlight += bytes;
        tell();
      };
      const restart = () => {
        inFlight -= sentOfFile;
        sentOfFile = 0;
      };
      const isWhole = await sendFile(replication, file, onBytes, restart).finally(restart);
      if (!isWhole) damaged.push(file.path);
      else {
        total.files += 1;
        total.bytes += file.bytes;
      }
      tell();
    });
    // The barrier: what comes next may rely on all of this.
    ledger.sync();
    if (damaged.length > 0) throw damagedError(replication.repository, damaged);
  }
}

/** @returns false when the file is not what its name says; nothing of it has left this host then */
async function sendFile(replication: Running, file: LocalFile, onBytes: (bytes: number) => void, restart: () => void): Promise<boolean> {
  const {client, ledger, repository, root} = replication;
  const digests = await digestFile(replication.digester, repository, file.path);
  if (!digests || !isIntact(file, digests)) return false;
  const put = async (ifAbsent: boolean) => {
    const body = () => {
      restart();
      return readFileAt(join(repository, file.path), replication.bandwidth, onBytes);
    };
    try {
      return await client.put({key: `${root}/${file.path}`, ...digests, ifAbsent, body});
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? new VanishedFile(file.path) : error;
    }
  };
  let result = await put(replication.conditional);
  if (result.state === 'unsupported') {
    replication.conditional = false;
    result = await put(false);
  }
  const stored = result.state === 'stored' ? result : {etag: undefined, version: undefined};
  ledger.record({path: file.path, bytes: digests.bytes, etag: stored.etag, version: stored.version, time: replication.now()});
  return true;
}

/** Works on so many at a time. The first failure lets those under way finish, begins no other, and is thrown. */
async function forEachOf<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of queue) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({length: width}, worker));
  // A refusal or a full stop says more than the file that vanished beside it.
  const worst = failures.find((failure) => !(failure instanceof VanishedFile)) ?? failures[0];
  if (worst !== undefined) throw worst;
}

function damagedError(repository: string, paths: readonly string[]): TimetilesError {
  const shown = paths.slice(0, 5).join(', ');
  return new TimetilesError(
    'repository-damaged',
    `${plural(paths.length, 'file')} of the local repository ${repository} ${paths.length === 1 ? 'is' : 'are'} damaged: ${shown}${paths.length > 5 ? ', …' : ''} (the content does not fit the name, which is its SHA-256)`,
    'Nothing of it was sent. Find out what it affects with: timetiles backup verify --read-data',
  );
}

/** For messages: what any failure of a replication was, in words. */
export function describeFailure(error: unknown): string {
  return error instanceof VanishedFile ? 'the local repository keeps changing; another restic is at work on it' : messageOf(error);
}
