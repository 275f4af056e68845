import {open} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';

/** Shares one rate among all uploads. */
export interface Bandwidth {
  /** Bytes to take at a time. */
  readonly chunk: number;
  /** Resolves when so many bytes may be sent. */
  take(bytes: number): Promise<void>;
}

/** A tenth of a second's worth within these: many uploads share the rate, and none may be silent for so long that it seems dead. */
const smallestChunk = 1024;
const largestChunk = 16 * 1024;
const freeChunk = 256 * 1024;

/** @param rate bytes per second */
export function createBandwidth(rate: number, signal?: AbortSignal): Bandwidth {
  // The moment up to which the rate is spoken for.
  let spokenFor = 0;
  return {
    chunk: Math.round(Math.min(largestChunk, Math.max(smallestChunk, rate / 10))),
    async take(bytes) {
      spokenFor = Math.max(spokenFor, Date.now()) + (bytes / rate) * 1000;
      const wait = spokenFor - Date.now();
      if (wait > 0) await sleep(wait, undefined, {signal});
    },
  };
}

/**
 * Reads a file no faster than the bandwidth allows, and tells what goes out. All pieces share one buffer: each is valid
 * until the next one is asked for.
 */
export async function* readFileAt(path: string, bandwidth: Bandwidth | undefined, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const file = await open(path);
  const buffer = Buffer.allocUnsafe(bandwidth?.chunk ?? freeChunk);
  try {
    for (;;) {
      const {bytesRead} = await file.read(buffer);
      if (bytesRead === 0) return;
      await bandwidth?.take(bytesRead);
      onBytes(bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
