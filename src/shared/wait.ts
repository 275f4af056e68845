import {setTimeout as sleep} from 'node:timers/promises';

export interface WaitOptions {
  /** Milliseconds after which the wait gives up. */
  readonly limit: number;
  /** Milliseconds between two looks. */
  readonly interval: number;
  readonly signal?: AbortSignal | undefined;
}

/** Looks until `predicate` answers true. Answers false when the limit has passed; throws the signal's reason when aborted. */
export async function waitUntil(predicate: () => Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const end = Date.now() + options.limit;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await predicate()) return true;
    if (Date.now() + options.interval > end) return false;
    await sleep(options.interval, undefined, {signal: options.signal}).catch((error: unknown) => {
      options.signal?.throwIfAborted();
      throw error;
    });
  }
}
