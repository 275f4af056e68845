import type {Bench} from './bench.ts';
import {startGateway, type Gateway} from './gateway.ts';
import type {Bucket, KeyKind} from './s3-bucket.ts';
import {startS3Proxy, type S3Proxy} from './s3-proxy.ts';

/** A gateway with one bucket, and the proxy by way of which it is used. */
export interface OffsitePlace {
  gateway: Gateway;
  bucket: Bucket;
  proxy: S3Proxy;
  stop(): Promise<void>;
}

export async function startOffsitePlace(bench: Bench): Promise<OffsitePlace> {
  const gateway = await startGateway(bench);
  try {
    const bucket = await gateway.makeBucket();
    const proxy = await startS3Proxy(gateway.endpoint, {owner: gateway.owner});
    const stop = async () => {
      await proxy.close();
      await gateway.stop();
    };
    return {gateway, bucket, proxy, stop};
  } catch (error) {
    await gateway.stop();
    throw error;
  }
}

/** The keys of the configuration that send a stack's copy to a bucket, as one of its users. */
export function offsiteConfig(endpoint: string, bucket: Bucket, kind: KeyKind, prefix = 'backups'): Record<string, string> {
  return {
    RESTIC_OFFSITE_REPOSITORY: `s3:${endpoint}/${bucket.name}/${prefix}`,
    AWS_ACCESS_KEY_ID: bucket.keys[kind].accessKeyId,
    AWS_SECRET_ACCESS_KEY: bucket.keys[kind].secretAccessKey,
  };
}

/** The environment with which plain restic opens what is at a URL, as one of the bucket's users. */
export function resticKeys(bucket: Bucket, kind: KeyKind): Record<string, string> {
  return {AWS_ACCESS_KEY_ID: bucket.keys[kind].accessKeyId, AWS_SECRET_ACCESS_KEY: bucket.keys[kind].secretAccessKey};
}

/** The keys of every epoch in a bucket, oldest first: `backups/<repository id>/<epoch>`. */
export async function epochRoots(bucket: Bucket): Promise<string[]> {
  const roots = (await bucket.list()).flatMap(({key}) => /^(.*\/[0-9a-f]{64}\/\d{8}T\d{6}Z-[0-9a-f]{4})\//.exec(key)?.[1] ?? []);
  return [...new Set(roots)].toSorted((a, b) => ((a.split('/').at(-1) ?? '') < (b.split('/').at(-1) ?? '') ? -1 : 1));
}
