import {createHash} from 'node:crypto';
import {readdirSync, readFileSync} from 'node:fs';
import {hostname} from 'node:os';
import {join} from 'node:path';
import type {KitFile} from '../../offsite/kit-files.ts';
import type {KitFacts} from '../../offsite/kit.ts';
import {askAbilities} from '../../offsite/level.ts';
import {resticUrl} from '../../offsite/s3/location.ts';
import {createResticHandle, repositoryExists, type ResticHandle} from '../../restic/handle.ts';
import {readRepositoryId} from '../../restic/repository-id.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {Context} from '../context.ts';
import {withS3} from './connect.ts';
import {epochPath, ledgerOf, localRepositoryId} from './epochs.ts';
import {readState} from './state.ts';
import {offsiteRestic, offsiteTarget, type OffsiteTarget, type S3Target} from './target.ts';

/** Gathers what the emergency kit says. @throws TimetilesError `repository-missing` */
export async function kitFacts(context: Context): Promise<KitFacts> {
  requireLocal(context);
  const repositoryId = await localRepositoryId(context);
  const target = offsiteTarget(context);
  return {
    made: context.clock.now(),
    host: hostname(),
    project: context.settings.COMPOSE_PROJECT_NAME,
    toolVersion: context.toolVersion,
    localPath: context.restic.repository,
    repositoryId,
    offsite: target && offsiteFacts(context, target, repositoryId),
    files: repositoryKeyFiles(context.restic.repository),
  };
}

function requireLocal(context: Context): void {
  if (repositoryExists(context.restic)) return;
  throw new TimetilesError('repository-missing', `there is no repository at ${context.restic.repository}`, 'The kit is about a repository that exists: run timetiles backup first, or on the host that made the backups.');
}

function offsiteFacts(context: Context, target: OffsiteTarget, repositoryId: string): KitFacts['offsite'] {
  if (target.kind === 'other') return {kind: 'other', url: target.shownUrl};
  const {endpoint, bucket, prefix} = target.location;
  const {level} = readState(target);
  const epoch = epochOf(context, target, repositoryId);
  return {
    kind: 's3',
    url: target.shownUrl,
    endpoint: endpoint.origin,
    location: {host: endpoint.host, bucket, prefix},
    region: target.region,
    keyId: target.keyId,
    ...(level?.keyId === target.keyId && {level: level.level}),
    ...(epoch !== undefined && {epochUrl: resticUrl(target.location, epoch)}),
  };
}

/** The path of the current epoch below the target's URL; undefined where restic itself makes the copies. */
function epochOf(context: Context, target: S3Target, repositoryId: string): string | undefined {
  if (readState(target).level?.level === 'read-write' && context.settings.OFFSITE_EXPIRE_DAYS === 0) return undefined;
  const {epoch} = ledgerOf(target, repositoryId);
  return epoch && epochPath(repositoryId, epoch);
}

/** The files that open the repository: the sealed config and the keys, which the password opens. */
function repositoryKeyFiles(repository: string): KitFile[] {
  const names = ['config', ...readdirSync(join(repository, 'keys')).filter((name) => /^[0-9a-f]{64}$/.test(name)).map((name) => `keys/${name}`)];
  return names.map((name) => {
    const bytes = readFileSync(join(repository, name));
    return {name, base64: bytes.toString('base64'), sha256: createHash('sha256').update(bytes).digest('hex')};
  });
}

export interface KitCheck {
  readonly local: {readonly url: string};
  /** Null where none is configured. `same-keys`: these credentials cannot read there, but what was sent are the very files that opened here. */
  readonly offsite: {readonly url: string; readonly state: 'opened' | 'same-keys'} | null;
}

/**
 * Proves that a password opens both repositories.
 * @throws TimetilesError `repository-password` when it does not open one of them
 */
export async function checkKit(context: Context, password: string): Promise<KitCheck> {
  requireLocal(context);
  const {repository} = context.restic;
  const id = await readRepositoryId(withPassword(context.restic, password));
  const target = offsiteTarget(context);
  const offsite = target ? await checkOffsite(context, target, id, password) : null;
  return {local: {url: repository}, offsite};
}

async function checkOffsite(context: Context, target: OffsiteTarget, repositoryId: string, password: string): Promise<KitCheck['offsite']> {
  const epoch = target.kind === 's3' ? epochOf(context, target, repositoryId) : undefined;
  if (target.kind === 's3' && !(await canRead(context, target))) return provenByLedger(target, repositoryId, context.restic.repository);
  const handle = offsiteRestic(context, target, epoch ?? '');
  await readRepositoryId(withPassword(handle, password));
  return {url: handle.repository, state: 'opened'};
}

async function canRead(context: Context, target: S3Target): Promise<boolean> {
  return withS3(context, target, async (client) => {
    const {read, list} = await askAbilities(client, target.keyPrefix);
    return read && list;
  });
}

/** The names of keys are digests of their content: what the ledger names is what opened here. */
function provenByLedger(target: S3Target, repositoryId: string, repository: string): KitCheck['offsite'] {
  const {sent, epoch} = ledgerOf(target, repositoryId);
  const missing = repositoryKeyFiles(repository).filter(({name}) => !sent.has(name));
  if (epoch && missing.length === 0) return {url: resticUrl(target.location, epochPath(repositoryId, epoch)), state: 'same-keys'};
  throw new TimetilesError('not-found', `the offsite copy ${target.shownUrl} has not got ${missing.map(({name}) => name).join(', ') || 'an epoch'} yet`, 'Copy first: timetiles backup --offsite');
}

function withPassword(handle: ResticHandle, password: string): ResticHandle {
  const {RESTIC_PASSWORD_FILE: _file, RESTIC_PASSWORD_COMMAND: _command, ...variables} = handle.environment;
  return createResticHandle({repository: handle.repository, options: handle.options, password, variables, ...(handle.signal && {signal: handle.signal})});
}
