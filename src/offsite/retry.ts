import {setTimeout as sleep} from 'node:timers/promises';
import {systemCode} from '../shared/errors.ts';
import {S3Failure} from './s3/failure.ts';

/** How long to go on trying. Milliseconds. */
export interface Patience {
  /** Before the second try; each further wait is twice as long, give or take a half. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** From the first failure on; no try begins later. */
  readonly total: number;
}

/** A service that restarts is back in a minute; one that is down tonight is tried again tomorrow. */
export const usualPatience: Patience = {firstWait: 500, longestWait: 20_000, total: 120_000};
/** For questions, whose answer somebody may be waiting for. */
export const questionPatience: Patience = {firstWait: 500, longestWait: 5000, total: 30_000};

/** Bytes that arrive damaged this often in a row are damaged by something that will not pass. */
const damageTries = 4;

const transientCodes = new Set(['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND', 'ENETUNREACH', 'EHOSTUNREACH', 'ENETDOWN', 'HPE_INVALID_CONSTANT']);

export interface RetryOptions {
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: (error: Error) => void;
}

/** Whether another try may help: the service says so, or the connection failed. A refusal is final. */
export function isTransient(error: unknown): boolean {
  if (error instanceof S3Failure) return error.kind === 'transient' || error.kind === 'damaged';
  const code = systemCode(error);
  // A bit that flips below TLS ends the connection with this word in the code, whichever side has noticed.
  return code !== undefined && (transientCodes.has(code) || code.startsWith('HPE_') || code.includes('BAD_RECORD_MAC'));
}

/** Tries until it works, until a failure that will not pass, or until patience is over; throws the last failure. */
export async function withRetry<Result>(work: () => Promise<Result>, {patience, signal, onRetry}: RetryOptions): Promise<Result> {
  let since: number | undefined;
  let damaged = 0;
  for (let wait = patience.firstWait; ; wait = Math.min(wait * 2, patience.longestWait)) {
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Error) || !isTransient(error)) throw error;
      if (error instanceof S3Failure && error.kind === 'damaged' && (damaged += 1) >= damageTries) throw error;
      since ??= Date.now();
      const pause = (error instanceof S3Failure ? error.retryAfter : undefined) ?? wait * (0.5 + Math.random());
      if (Date.now() + pause - since > patience.total) throw error;
      onRetry?.(error);
      await sleep(pause, undefined, {signal}).catch((reason: unknown) => {
        signal?.throwIfAborted();
        throw reason;
      });
    }
  }
}
