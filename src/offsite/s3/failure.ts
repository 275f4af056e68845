import {elementTexts} from './xml.ts';
import type {TransportResponse} from './transport.ts';

/**
 * `refused`: the credentials may not do this; never tried again. `transient`: worth another try. `damaged`: the bytes that
 * arrived were not those that were signed. `unsupported`: the service does not know what was asked.
 */
export type FailureKind = 'refused' | 'transient' | 'damaged' | 'unsupported' | 'missing-bucket' | 'region' | 'other';

/** What S3 services call bytes that do not fit their digest: SHA-256, MD5, length. */
const damageCodes = ['XAmzContentSHA256Mismatch', 'BadDigest', 'InvalidDigest', 'IncompleteBody'];
/** Client errors (4xx) that pass by themselves. */
const transientCodes = ['RequestTimeout', 'ConditionalRequestConflict', 'OperationAborted', 'SlowDown', 'TooManyRequests'];
const transientStatus = [408, 425, 429];

/** A request that an S3 service did not grant. */
export class S3Failure extends Error {
  readonly kind: FailureKind;
  readonly status: number;
  /** S3's word for it such as `AccessDenied`; empty where there is no body. */
  readonly code: string;
  /** Milliseconds that the service asks to wait. */
  readonly retryAfter: number | undefined;

  /** @param redact blanks the secrets: services repeat what they do not understand, a session token for one */
  constructor(action: string, response: TransportResponse, redact: (text: string) => string = (text) => text) {
    const text = redact(response.body.toString('utf8'));
    const code = elementTexts(text, 'Code')[0] ?? '';
    const said = elementTexts(text, 'Message')[0] ?? '';
    super(`${action}: the service answered ${[String(response.status), code, said === '' ? '' : `(${said.slice(0, 200)})`].filter((part) => part !== '').join(' ')}`);
    this.name = 'S3Failure';
    this.status = response.status;
    this.code = code;
    this.kind = kindOf(response.status, code);
    this.retryAfter = retryAfterOf(response);
  }
}

function kindOf(status: number, code: string): FailureKind {
  if (damageCodes.includes(code)) return 'damaged';
  if (transientCodes.includes(code)) return 'transient';
  if (code === 'NoSuchBucket') return 'missing-bucket';
  // Amazon's words for a request that was signed for, or sent to, another region than the bucket's.
  if (code === 'AuthorizationHeaderMalformed' || code === 'PermanentRedirect' || status === 301 || status === 307) return 'region';
  if (status === 501) return 'unsupported';
  if (status === 401 || status === 403) return 'refused';
  if (status >= 500 || transientStatus.includes(status)) return 'transient';
  return 'other';
}

function retryAfterOf({headers}: TransportResponse): number | undefined {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 60) * 1000 : undefined;
}
