import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {createS3Client, type S3Client} from '../../offsite/s3/client.ts';
import {isS3, parseS3Location, regionOf, resticUrl, type S3Location} from '../../offsite/s3/location.ts';
import {questionPatience, usualPatience} from '../../offsite/retry.ts';
import {createResticHandle, type ResticHandle} from '../../restic/handle.ts';
import {messageOf, TimetilesError} from '../../shared/errors.ts';
import {withoutPassword} from '../../shared/redact.ts';
import type {Context} from '../context.ts';

/** Uploads at a time; as many as restic's own. */
export const offsiteConnections = 5;

interface TargetBase {
  /** As restic takes it. */
  readonly url: string;
  /** The same without a password, for words and files. */
  readonly shownUrl: string;
  /** What this host keeps of this target. */
  readonly stateDirectory: string;
}

export interface S3Target extends TargetBase {
  readonly kind: 's3';
  readonly location: S3Location;
  readonly keyId: string;
  readonly region: string;
  /** The prefix for keys: empty, or ending with a slash. */
  readonly keyPrefix: string;
}

/** A backend that only restic speaks to. */
interface OtherTarget extends TargetBase {
  readonly kind: 'other';
}

export type OffsiteTarget = S3Target | OtherTarget;

/** Where RESTIC_OFFSITE_REPOSITORY leads; undefined when nothing is configured. @throws TimetilesError `configuration` */
export function offsiteTarget(context: Context): OffsiteTarget | undefined {
  const {RESTIC_OFFSITE_REPOSITORY: url, AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: keyId} = context.settings;
  if (url === undefined) return undefined;
  if (!isS3(url)) {
    const shownUrl = withoutPassword(url);
    return {kind: 'other', url, shownUrl, stateDirectory: stateDirectoryOf(context, shownUrl)};
  }
  const location = parseS3Location(url, endpoint);
  const canonical = resticUrl(location);
  requireKeys(context);
  return {
    kind: 's3',
    url: canonical,
    shownUrl: canonical,
    stateDirectory: stateDirectoryOf(context, canonical),
    location,
    keyId: keyId ?? '',
    region: context.settings.AWS_DEFAULT_REGION ?? regionOf(location.endpoint),
    keyPrefix: location.prefix === '' ? '' : `${location.prefix}/`,
  };
}

/** The same for a command that is about nothing else. @throws TimetilesError `configuration` */
export function requireOffsiteTarget(context: Context): OffsiteTarget {
  const target = offsiteTarget(context);
  if (target) return target;
  throw new TimetilesError('configuration', 'RESTIC_OFFSITE_REPOSITORY is not set: there is no offsite copy', `Write RESTIC_OFFSITE_REPOSITORY="s3:https://HOST/BUCKET/PREFIX" and the keys into ${join(context.configuration.home, 'bootstrap.conf')}.`);
}

function requireKeys(context: Context): void {
  const missing = (['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const).filter((key) => context.settings[key] === undefined);
  if (missing.length === 0) return;
  throw new TimetilesError('configuration', `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set, but RESTIC_OFFSITE_REPOSITORY is an s3: address`, `Write ${missing.length === 1 ? 'it' : 'them'} into ${join(context.configuration.home, 'bootstrap.conf')}, mode 0600.`);
}

function stateDirectoryOf(context: Context, shownUrl: string): string {
  return join(context.stateDirectory, 'offsite', createHash('sha256').update(shownUrl).digest('hex').slice(0, 16));
}

/** Connects nothing yet. The caller closes it. */
export function connectS3(context: Context, target: S3Target): S3Client {
  const {AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '', AWS_SESSION_TOKEN: sessionToken} = context.settings;
  return createS3Client({
    location: target.location,
    credentials: {accessKeyId, secretAccessKey, sessionToken},
    region: target.region,
    addressing: addressingOf(context, target),
    ca: privateAuthority(context),
    connections: offsiteConnections,
    patience: usualPatience,
    questionPatience,
    signal: context.signal,
    onRetry: (text) => context.log.info(`offsite: ${text}; trying again`),
  });
}

/** As restic's `auto` decides: only Amazon and Alibaba want the bucket in the host's name; no certificate fits one with dots. */
function addressingOf(context: Context, {location}: S3Target): 'path' | 'virtual' {
  const lookup = context.settings.OFFSITE_BUCKET_LOOKUP;
  if (lookup !== 'auto') return lookup === 'dns' ? 'virtual' : 'path';
  return /\.(amazonaws\.com|aliyuncs\.com)$/.test(location.endpoint.hostname) && !location.bucket.includes('.') ? 'virtual' : 'path';
}

/** The certificates in RESTIC_CACERT, beside those that Node trusts anyway. */
function privateAuthority(context: Context): string | undefined {
  const path = context.configuration.resticEnvironment['RESTIC_CACERT'];
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TimetilesError('configuration', `RESTIC_CACERT cannot be read: ${messageOf(error)}`, 'Name a file of certificates in PEM.', {cause: error});
  }
}

/**
 * restic for a repository of this target.
 * @param path below the target's URL, such as `<repository id>/<epoch>`
 */
export function offsiteRestic(context: Context, target: OffsiteTarget, path = ''): ResticHandle {
  const {settings, configuration, signal} = context;
  const keys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;
  const credentials = Object.fromEntries(keys.flatMap((key) => (settings[key] === undefined ? [] : [[key, settings[key]]])));
  return createResticHandle({
    repository: target.kind === 's3' ? resticUrl(target.location, path) : target.url,
    options: target.kind === 's3' ? [`s3.bucket-lookup=${settings.OFFSITE_BUCKET_LOOKUP}`] : [],
    password: settings.RESTIC_PASSWORD,
    variables: {
      ...configuration.resticEnvironment,
      ...(target.kind === 's3' && {AWS_DEFAULT_REGION: target.region, ...credentials}),
      // A replicated copy has the local repository's id, and would share its cache.
      ...(path !== '' && {RESTIC_CACHE_DIR: join(target.stateDirectory, 'cache', path.replaceAll('/', '-'))}),
    },
    signal,
  });
}

/** The same context, with the offsite repository in the place of the local one. For reading: locks and safety sets belong to the local one. */
export function onRepository(context: Context, restic: ResticHandle): Context {
  return {...context, restic};
}
