import {isAboutCredentials} from '../../offsite/level.ts';
import {describeFailure} from '../../offsite/replicate.ts';
import {S3Failure} from '../../offsite/s3/failure.ts';
import {systemCode, TimetilesError} from '../../shared/errors.ts';
import type {OffsiteTarget} from './target.ts';

/** Any failure of the way to an offsite copy, with its next step. */
export function offsiteError(error: unknown, target: OffsiteTarget): TimetilesError {
  if (error instanceof TimetilesError) return error;
  if (error instanceof S3Failure) return new TimetilesError('offsite', `${error.message} at ${target.shownUrl}`, adviceFor(error, target), {cause: error});
  const code = systemCode(error);
  const where = target.kind === 's3' ? target.location.endpoint.host : target.shownUrl;
  if (code === 'ENOSPC') return new TimetilesError('offsite', `the disk of ${target.stateDirectory} is full`, `Free some space on it: df -h ${target.stateDirectory}`, {cause: error});
  if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) {
    return new TimetilesError('offsite', `the certificate of ${where} is not trusted (${code})`, 'If it is of a certificate authority of your own, name its PEM file in RESTIC_CACERT.', {cause: error});
  }
  return new TimetilesError('offsite', `${where} cannot be reached: ${describeFailure(error)}`, 'Check the network and the address in RESTIC_OFFSITE_REPOSITORY. The next timetiles backup --offsite goes on where this one stopped.', {cause: error});
}

function adviceFor(failure: S3Failure, target: OffsiteTarget): string {
  const keyId = target.kind === 's3' ? target.keyId : '';
  if (failure.code === 'RequestTimeTooSkewed') return 'The clock of this host is wrong: timedatectl set-ntp true';
  if (failure.code === 'SignatureDoesNotMatch') return `AWS_SECRET_ACCESS_KEY does not belong to the key ${keyId}. Copy both again from the provider.`;
  if (isAboutCredentials(failure)) return `The key ${keyId} is not known, was revoked or has expired: make a new one at the provider and set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary ones, AWS_SESSION_TOKEN.`;
  switch (failure.kind) {
    case 'refused':
      return `The key ${keyId} needs at least s3:PutObject below this address. What to set at the provider: timetiles offsite policy`;
    case 'missing-bucket':
      return 'Make the bucket at the provider first, with the settings that this prints: timetiles offsite policy';
    case 'region':
      return 'Set AWS_DEFAULT_REGION to the region of the bucket, and name that region\'s host in RESTIC_OFFSITE_REPOSITORY.';
    case 'damaged':
      return 'Bytes change on their way, again and again: look at the network hardware, a proxy, or the memory of this host.';
    case 'transient':
      return 'The service has trouble. The next timetiles backup --offsite goes on where this one stopped.';
    default:
      return 'Look at the address in RESTIC_OFFSITE_REPOSITORY, and at what the provider says of this error.';
  }
}

/** Whether a failure may be one of permissions, so that it is worth asking again what the credentials can do. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof S3Failure) return error.kind === 'refused' && !isAboutCredentials(error);
  return error instanceof TimetilesError && error.kind === 'offsite-permission';
}
