import {awsPolicy} from './aws.ts';
import {b2Policy} from './b2.ts';
import {cephPolicy} from './ceph.ts';
import {genericPolicy} from './generic.ts';
import {minioPolicy} from './minio.ts';
import {r2Policy} from './r2.ts';
import type {PolicyRequest, Provider, ProviderAdvice, ProviderName} from './types.ts';
import {wasabiPolicy} from './wasabi.ts';

const providers: Readonly<Record<ProviderName, Provider>> = {
  aws: awsPolicy,
  minio: minioPolicy,
  ceph: cephPolicy,
  b2: b2Policy,
  wasabi: wasabiPolicy,
  r2: r2Policy,
  generic: genericPolicy,
};

const hosts: readonly (readonly [RegExp, ProviderName])[] = [
  [/(^|\.)amazonaws\.com(\.cn)?$/, 'aws'],
  [/(^|\.)backblazeb2\.com$/, 'b2'],
  [/(^|\.)wasabisys\.com$/, 'wasabi'],
  [/(^|\.)r2\.cloudflarestorage\.com$/, 'r2'],
  [/(^|[.-])minio([.-]|$)/, 'minio'],
  [/(^|[.-])(ceph|rgw|radosgw)([.-]|$)/, 'ceph'],
];

/** The provider behind an endpoint, by the name of its host; `generic` when that tells nothing. */
export function guessProvider(host: string): ProviderName {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  return hosts.find(([pattern]) => pattern.test(name))?.[1] ?? 'generic';
}

/** Policies, settings and limits of one provider for one bucket and prefix. */
export function providerAdvice(provider: ProviderName, request: PolicyRequest): ProviderAdvice {
  return providers[provider](request);
}
