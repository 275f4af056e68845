import {createHash, randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {chmod, mkdir, open, rename, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import type {RunningBench} from '../support/bench.ts';
import {fetchProgram} from '../support/debian-program.ts';
import {dotenvText} from '../support/dotenv.ts';
import {startGateway, type Gateway} from '../support/gateway.ts';
import {toolEnvironment} from '../support/cli.ts';
import {offsiteConfig, resticKeys} from '../support/offsite.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {cacheDirectory, checkout, scratchDirectory} from '../support/paths.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import {megabytes, rows} from './contest.ts';
import {measure, median, type Measured} from './measure.ts';
import {isQuick, scaled} from './size.ts';

// The write-only copy against the two programs that one would use instead, with the same repository and the same gateway.

const program = join(checkout, 'bin/run.js');
const rounds = isQuick ? 1 : 3;
const gibibyte = scaled(1024 ** 3);

interface Place {
  home: string;
  repository: string;
  env: Record<string, string>;
}

export async function benchOffsite(bench: RunningBench): Promise<void> {
  const rclone = await rclonePath(bench);
  const gateway = await startGateway(bench);
  const base = join(scratchDirectory, 'offsite-bench');
  try {
    const stack = await startStack(bench, {heartbeat: false, uploads: 'directory'});
    try {
      await benchFullCopy(await backedUp(stack), gateway, bench, rclone);
    } finally {
      await stack.stop();
    }
    await benchNothingNew(await withManyPacks(bench, base), gateway);
  } finally {
    await gateway.stop();
    await rm(base, {recursive: true, force: true});
  }
}

/** A gibibyte of uploads that does not compress, backed up by the tool. */
async function backedUp(stack: Stack): Promise<Place> {
  const file = await open(join(stack.uploadsPath, 'film'), 'w');
  for (let written = 0; written < gibibyte; written += 1 << 24) await file.write(randomBytes(1 << 24));
  await file.close();
  const values = {RESTIC_PASSWORD: 'a bench password', COMPOSE_PROJECT_NAME: stack.project, UPLOAD_HOST_DIR: stack.uploadsPath};
  const place = {home: stack.home, repository: stack.repository, env: {...toolEnvironment({stack}), RESTIC_REPOSITORY: stack.repository, ...values}};
  await execa(process.execPath, [program, 'backup', 'uploads', '--quiet'], {env: place.env, extendEnv: false});
  return place;
}

/** So many packs that a run with nothing to do has something to look through. */
async function withManyPacks(bench: RunningBench, home: string): Promise<Place> {
  const repository = join(home, 'repository');
  await mkdir(home, {recursive: true, mode: 0o700});
  const path = `${dirname(bench.restic.newest)}:${process.env['PATH'] ?? ''}`;
  const env = {PATH: path, HOME: home, TIMETILES_HOME: home, RESTIC_PASSWORD: 'a bench password', RESTIC_REPOSITORY: repository};
  await execa(bench.restic.newest, ['init', '--quiet'], {env, extendEnv: false});
  for (let index = 0; index < scaled(10_000); index += 1) {
    const content = randomBytes(200);
    const name = createHash('sha256').update(content).digest('hex');
    await writeFile(join(repository, 'data', name.slice(0, 2), name), content);
  }
  return {home, repository, env};
}

type Contender = (bucket: Bucket) => Promise<Measured>;

async function benchFullCopy(place: Place, gateway: Gateway, bench: RunningBench, rclone: string): Promise<void> {
  const peaks: number[] = [];
  const contenders: Record<'timetiles' | 'rclone copy' | 'restic copy', Contender> = {
    async timetiles(bucket) {
      await configure(place, gateway, bucket);
      const measured = await measure({file: process.execPath, args: [program, 'offsite', 'copy', '--quiet'], env: place.env});
      peaks.push(measured.peakMiB);
      return measured;
    },
    'rclone copy': (bucket) => measure({file: rclone, args: ['copy', '--quiet', '--s3-no-check-bucket', place.repository, `:s3:${bucket.name}/copy`], env: {...place.env, ...rcloneKeys(gateway, bucket)}}),
    async 'restic copy'(bucket) {
      const env = {...place.env, ...resticKeys(bucket, 'full'), RESTIC_REPOSITORY: `s3:${gateway.endpoint}/${bucket.name}/copy`, RESTIC_FROM_REPOSITORY: place.repository, RESTIC_FROM_PASSWORD: 'a bench password'};
      await execa(bench.restic.newest, ['init', '--quiet', '--copy-chunker-params'], {env, extendEnv: false});
      return measure({file: bench.restic.newest, args: ['copy', '--quiet'], env});
    },
  };
  const seconds = new Map<string, number[]>();
  const order = Object.entries(contenders);
  for (let round = 0; round < rounds; round += 1) {
    // Everybody once in every place: the gateway is slower after some than after others.
    order.push(...order.splice(0, 1));
    for (const [name, run] of order) {
      const bucket = await gateway.makeBucket();
      const measured = await run(bucket);
      seconds.set(name, [...(seconds.get(name) ?? []), measured.seconds]);
      // The gateway keeps everything in memory.
      for (const {key} of await bucket.list()) await bucket.remove(key);
    }
  }
  const of = (name: string) => median(seconds.get(name) ?? []);
  console.log(`1 GiB: ${[...seconds].map(([name, values]) => `${name} ${values.map((value) => value.toFixed(2)).join(' ')}`).join(' | ')}`);
  const faster = of('rclone copy') < of('restic copy') ? 'rclone copy' : 'restic copy';
  const peak = Math.max(...peaks);
  rows.push(
    {what: `write-only copy of 1 GiB against \`${faster}\`, the faster of the two`, bare: `${of(faster).toFixed(3)} s`, tool: `${of('timetiles').toFixed(3)} s`, ratio: of('timetiles') / of(faster), limit: 1.1},
    {what: 'peak memory of that copy, limit 200 MB', bare: '200 MB', tool: megabytes(peak), ratio: peak / (200e6 / 1048576), limit: 1},
  );
}

async function benchNothingNew(place: Place, gateway: Gateway): Promise<void> {
  const bucket = await gateway.makeBucket();
  await configure(place, gateway, bucket);
  const run = () => measure({file: process.execPath, args: [program, 'offsite', 'copy', '--quiet'], env: place.env});
  await run();
  const seconds: number[] = [];
  for (let round = 0; round < 5; round += 1) seconds.push((await run()).seconds);
  console.log(`nothing new: ${seconds.map((value) => value.toFixed(2)).join(' ')}`);
  rows.push({what: 'write-only copy with nothing new and 10,000 packs in the ledger, limit 1 s', bare: '1 s', tool: `${median(seconds).toFixed(3)} s`, ratio: median(seconds), limit: 1});
}

/** A state directory of its own for every bucket, as on a host that copies there for the first time. */
async function configure({home}: Place, gateway: Gateway, bucket: Bucket): Promise<void> {
  await rm(join(home, 'state', 'offsite'), {recursive: true, force: true});
  await writeFile(join(home, 'bootstrap.conf'), dotenvText(offsiteConfig(gateway.endpoint, bucket, 'put')), {mode: 0o600});
}

function rcloneKeys(gateway: Gateway, bucket: Bucket): Record<string, string> {
  const {accessKeyId, secretAccessKey} = bucket.keys.full;
  return {RCLONE_S3_PROVIDER: 'Ceph', RCLONE_S3_ENDPOINT: gateway.endpoint, RCLONE_S3_ACCESS_KEY_ID: accessKeyId, RCLONE_S3_SECRET_ACCESS_KEY: secretAccessKey, RCLONE_CONFIG: '/dev/null'};
}

/** Debian's rclone, fetched on first use. */
async function rclonePath(bench: RunningBench): Promise<string> {
  const path = join(cacheDirectory, 'rclone', 'rclone');
  if (existsSync(path)) return path;
  const incoming = await fetchProgram(bench.dockerHost, 'rclone', ['bookworm']);
  await mkdir(dirname(path), {recursive: true});
  await rename(join(incoming, 'bookworm'), path);
  await chmod(path, 0o755);
  await rm(incoming, {recursive: true, force: true});
  return path;
}
