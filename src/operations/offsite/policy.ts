import type {Configuration} from '../../config/load.ts';
import {backendOf, protectionOf} from '../../offsite/policy/other-backends.ts';
import {guessProvider, providerAdvice} from '../../offsite/policy/providers.ts';
import type {PolicyLevel, ProviderAdvice, ProviderName} from '../../offsite/policy/types.ts';
import {parseS3Location} from '../../offsite/s3/location.ts';
import {TimetilesError} from '../../shared/errors.ts';

export interface OffsitePolicy extends ProviderAdvice {
  /** The provider, or the backend of a repository that is not on S3. */
  readonly provider: string;
  readonly level: PolicyLevel;
  readonly bucket: string | null;
  readonly prefix: string | null;
}

export interface OffsitePolicyOptions {
  readonly provider?: ProviderName | undefined;
  readonly level: PolicyLevel;
}

/** What to paste at the provider of the configured offsite repository. Asks nobody and changes nothing. */
export function offsitePolicy({settings}: Pick<Configuration, 'settings'>, {provider, level}: OffsitePolicyOptions): OffsitePolicy {
  const url = settings.RESTIC_OFFSITE_REPOSITORY;
  if (url === undefined) throw new TimetilesError('configuration', 'RESTIC_OFFSITE_REPOSITORY is not set', 'Write RESTIC_OFFSITE_REPOSITORY="s3:https://HOST/BUCKET/PREFIX" into bootstrap.conf: the policies are made for that bucket and prefix.');
  const backend = backendOf(url);
  if (backend !== 's3') return {provider: backend, level, bucket: null, prefix: null, policies: [], settings: [], limits: [protectionOf(backend)]};
  const {endpoint, bucket, prefix} = parseS3Location(url, settings.AWS_ENDPOINT_URL);
  const name = provider ?? guessProvider(endpoint.host);
  return {provider: name, level, bucket, prefix, ...providerAdvice(name, {location: {host: endpoint.host, bucket, prefix}, level, expireDays: settings.OFFSITE_EXPIRE_DAYS})};
}
