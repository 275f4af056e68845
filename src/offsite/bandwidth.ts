import {createReadStream} from 'node:fs';
import {Readable} from 'node:stream';
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

/** Reads a file no faster than the bandwidth allows, and tells what goes out. */
export function readFileAt(path: string, bandwidth: Bandwidth | undefined, onBytes: (bytes: number) => void): Readable {
  if (bandwidth === undefined) {
    // Whoever takes the stream starts it in the same moment, so that listening here loses nothing.
    return createReadStream(path, {highWaterMark: freeChunk}).on('data', (chunk) => onBytes(chunk.length));
  }
  const {chunk: chunkSize} = bandwidth;
  const chunks = async function* () {
    for await (const chunk of createReadStream(path, {highWaterMark: chunkSize})) {
      if (!Buffer.isBuffer(chunk)) continue;
      await bandwidth.take(chunk.length);
      onBytes(chunk.length);
      yield chunk;
    }
  };
  return Readable.from(chunks(), {objectMode: false, highWaterMark: chunkSize});
}
