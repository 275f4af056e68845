import {randomBytes} from 'node:crypto';
import type {Bench} from './bench.ts';
import {docker} from './docker.ts';
import {imageFor} from './images.ts';
import {freePort} from './ports.ts';
import {waitUntil} from './processes.ts';
import {makeBucket, type Bucket, type KeyKind} from './s3-bucket.ts';
import type {S3Key} from './s3-request.ts';

/** Object storage that enforces what each key may do. */
export interface Gateway {
  /** `http://127.0.0.1:PORT`, for buckets in the path. */
  endpoint: string;
  /** `http://s3.timetiles.test:PORT`, for buckets in the host's name; only `withHosts` makes it known. */
  namedEndpoint: string;
  /** The name of the container. */
  container: string;
  /** Whose buckets these are. */
  owner: S3Key;
  makeBucket(options?: {versioned?: boolean}): Promise<Bucket>;
  /** Stops answering, without closing a connection. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
  stop(): Promise<void>;
}

/** The host under which the gateway takes the first word of a host's name as the bucket. */
export const gatewayHost = 's3.timetiles.test';

/** Starts a gateway of its own for one test file. What it stores is in memory and gone with it. */
export async function startGateway(bench: Bench): Promise<Gateway> {
  const container = `gateway-${randomBytes(4).toString('hex')}`;
  const image = await imageFor(bench.dockerHost, 'gateway');
  const keys = {full: newKey(), append: newKey(), put: newKey(), read: newKey()} satisfies Record<KeyKind, S3Key>;
  const owner = newKey();
  const users = Object.entries({owner, ...keys}).map(
    ([name, key]) => `${name} ${key.accessKeyId} ${key.secretAccessKey}`,
  );
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const run = async (...args: string[]) => void (await docker(bench.dockerHost, args));
  const stop = async () => void (await docker(bench.dockerHost, ['rm', '--force', '--volumes', container]));
  try {
    await run(
      'run', '--detach', '--name', container, '--network', 'host', '--tmpfs', '/data',
      '--env', `GATEWAY_USERS=${users.join('\n')}`, '--env', `GATEWAY_PORT=${port}`,
      image, `--rgw_dns_name=${gatewayHost}`,
    );
    await waitReady(bench, container, endpoint);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint, container, owner, stop,
    namedEndpoint: `http://${gatewayHost}:${port}`,
    makeBucket: ({versioned = false} = {}) => makeBucket(endpoint, owner, keys, versioned),
    pause: () => run('pause', container),
    unpause: () => run('unpause', container),
  };
}

// Of the same characters as those of the big providers: a slash and a plus sign are what breaks whatever quotes badly.
function newKey(): S3Key {
  return {
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: `/+${randomBytes(30).toString('base64')}`,
  };
}

async function waitReady(bench: Bench, container: string, endpoint: string): Promise<void> {
  let ended = false;
  const answered = await waitUntil(
    async () => {
      const answer = await fetch(endpoint).catch(() => undefined);
      if (answer) return answer.ok;
      const state = await docker(bench.dockerHost, ['inspect', '--format', '{{.State.Running}}', container]);
      ended = state.stdout.trim() !== 'true';
      return ended;
    },
    60_000,
    100,
  );
  if (answered && !ended) return;
  const {stdout, stderr} = await docker(bench.dockerHost, ['logs', '--tail', '30', container], {mayFail: true});
  throw new Error(`The gateway ${ended ? 'ended at once' : 'does not answer after 60 s'}:\n${stdout}${stderr}`);
}
