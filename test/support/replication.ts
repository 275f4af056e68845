import {spawn, type ChildProcess} from 'node:child_process';
import {createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {createBandwidth} from '../../src/offsite/bandwidth.ts';
import {newEpoch} from '../../src/offsite/epoch.ts';
import {openLedger} from '../../src/offsite/ledger.ts';
import {replicate, type Replicated} from '../../src/offsite/replicate.ts';
import type {Patience} from '../../src/offsite/retry.ts';
import {createS3Client, type S3Credentials} from '../../src/offsite/s3/client.ts';

/** One copy and how it is made. Plain data, so that it can go to a process of its own. */
export interface Replica {
  /** Path of the local repository. */
  repository: string;
  /** Its id; any will do where restic shall not read the copy. */
  id: string;
  endpoint: string;
  bucket: string;
  key: S3Credentials;
  /** Path of the ledger. */
  ledger: string;
  prefix?: string;
  /** A second and a half unless told, so that tests of what never gets better end soon. */
  patience?: Patience;
  conditional?: boolean;
  connections?: number;
  kibPerSecond?: number;
  idleLimit?: number;
  /** Certificates to trust, PEM. */
  ca?: string;
}

export interface ReplicaOptions {
  signal?: AbortSignal;
  /** Every failure that another try followed. */
  onRetry?: (text: string) => void;
}

const impatience: Patience = {firstWait: 20, longestWait: 200, total: 1500};

/** Brings a copy up to date the way `backup --offsite` does with credentials that can only write. */
export async function runReplica(replica: Replica, {signal = new AbortController().signal, onRetry}: ReplicaOptions = {}): Promise<Replicated> {
  const {connections = 5, idleLimit, kibPerSecond, ca} = replica;
  const client = createS3Client({
    location: {endpoint: new URL(replica.endpoint), bucket: replica.bucket, prefix: ''},
    credentials: replica.key,
    region: 'us-east-1',
    addressing: 'path',
    connections,
    patience: replica.patience ?? impatience,
    signal,
    ca,
    ...(idleLimit !== undefined && {idleLimit}),
    ...(onRetry && {onRetry}),
  });
  const ledger = openReplicaLedger(replica);
  try {
    if (!ledger.epoch) await ledger.begin(newEpoch(new Date()));
    return await replicate({
      repository: replica.repository,
      client,
      ledger,
      root: replicaRoot(replica, ledger.epoch?.name),
      conditional: replica.conditional ?? true,
      connections,
      bandwidth: kibPerSecond === undefined ? undefined : createBandwidth(kibPerSecond * 1024, signal),
      now: () => new Date(),
      signal,
      onProgress: () => {},
    });
  } finally {
    ledger.close();
    client.close();
  }
}

export function openReplicaLedger(replica: Replica): ReturnType<typeof openLedger> {
  return openLedger(replica.ledger, {repository: replica.id, url: `s3:${replica.bucket}/${replica.prefix ?? ''}`});
}

/** What comes before `/config` in the bucket. */
export function replicaRoot(replica: Replica, epoch = openReplicaLedger(replica).epoch?.name): string {
  return [replica.prefix ?? 'backups', replica.id, epoch].join('/');
}

/** The same in a process of its own, to be killed or measured. */
export function spawnReplica(replica: Replica): ChildProcess {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'replication-process.ts');
  return spawn(process.execPath, [script, JSON.stringify(replica)], {stdio: ['ignore', 'pipe', 'inherit']});
}

/** Waits for the end of a process that is expected to succeed, and hands back what it has printed. */
export async function resultOf(child: ChildProcess): Promise<string> {
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the replicator ended with ${code}`);
  return printed;
}

/** Adds files named by their content, which is all that the replicator looks at; no index knows them. */
export function addLoosePacks(repository: string, count: number, bytes: number): string[] {
  return Array.from({length: count}, () => {
    const content = randomBytes(bytes);
    const name = createHash('sha256').update(content).digest('hex');
    const folder = join(repository, 'data', name.slice(0, 2));
    mkdirSync(folder, {recursive: true});
    writeFileSync(join(folder, name), content);
    return `data/${name.slice(0, 2)}/${name}`;
  });
}

/** A directory that the replicator takes for a repository; no restic ever does. */
export function makeLooseRepository(path: string, packs: {count: number; bytes: number}): string[] {
  for (const folder of ['keys', 'data', 'index', 'snapshots']) mkdirSync(join(path, folder), {recursive: true});
  writeFileSync(join(path, 'config'), randomBytes(155));
  return addLoosePacks(path, packs.count, packs.bytes);
}

const belongsThere = /^(?:config|(?:keys|index|snapshots)\/[0-9a-f]{64}|data\/[0-9a-f]{2}\/[0-9a-f]{64})$/;

/** Every file of a local repository that belongs into a copy, with the MD5 that a bucket shows as its ETag. */
export function localEtags(repository: string): Map<string, string> {
  const paths = readdirSync(repository, {recursive: true, encoding: 'utf8'}).filter((path) => belongsThere.test(path));
  return new Map(paths.toSorted().map((path) => [path, createHash('md5').update(readFileSync(join(repository, path))).digest('hex')]));
}
