import {createHash} from 'node:crypto';
import {readFile, stat} from 'node:fs/promises';
import {availableParallelism} from 'node:os';
import {Worker} from 'node:worker_threads';
import {z} from 'zod';

export interface Digests {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Base64. */
  readonly md5: string;
  readonly bytes: number;
}

/** Computes the digests of large files on threads of its own, so that uploads go on meanwhile. */
export interface Digester {
  /** Reads a file to its end. Rejects with an error that has the system's `code`. */
  digest(path: string): Promise<Digests>;
  close(): Promise<void>;
}

const answerSchema = z.union([
  z.object({id: z.number(), digests: z.object({sha256: z.string(), md5: z.string(), bytes: z.number()})}),
  z.object({id: z.number(), code: z.string(), message: z.string()}),
]);

interface Waiting {
  readonly resolve: (digests: Digests) => void;
  readonly reject: (error: Error) => void;
}

/** More threads than this would take from a small host what the app needs. */
const maximumThreads = 2;

/** A file of this size is digested in a millisecond, where the start of a thread takes fifty. */
const smallBytes = 256 * 1024;

/** In MiB; a thread holds a few strings, and its buffer lies outside of these. */
const threadLimits = {maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 16};

/** Starts no thread before the first large file: most nights have none. */
export function createDigester(): Digester {
  const waiting = new Map<number, Waiting>();
  const workers: Worker[] = [];
  let asked = 0;
  const rejectAll = (error: Error) => {
    for (const {reject} of waiting.values()) reject(error);
    waiting.clear();
  };
  const start = () => {
    const worker = new Worker(`(${digestOnThread.toString()})()`, {eval: true, resourceLimits: threadLimits});
    worker.on('message', (message: unknown) => {
      const answer = answerSchema.parse(message);
      const {resolve, reject} = waiting.get(answer.id) ?? {};
      waiting.delete(answer.id);
      if ('digests' in answer) resolve?.(answer.digests);
      else reject?.(Object.assign(new Error(answer.message), {code: answer.code}));
    });
    worker.on('error', rejectAll);
    workers.push(worker);
    return worker;
  };
  return {
    async digest(path) {
      if ((await stat(path)).size <= smallBytes) return digestOf(await readFile(path));
      const id = asked;
      asked += 1;
      const index = id % Math.min(maximumThreads, availableParallelism());
      const worker = workers[index] ?? start();
      return new Promise((resolve, reject) => {
        waiting.set(id, {resolve, reject});
        worker.postMessage({id, path});
      });
    },
    async close() {
      await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
      rejectAll(new Error('the digests were given up'));
    },
  };
}

function digestOf(content: Buffer): Digests {
  return {sha256: createHash('sha256').update(content).digest('hex'), md5: createHash('md5').update(content).digest('base64'), bytes: content.length};
}

/**
 * Runs on a thread of its own, from its own source text: bundled or not, there is no path of a file to go wrong. So it
 * must not use anything from outside.
 */
function digestOnThread(): void {
  const crypto = process.getBuiltinModule('node:crypto');
  const {closeSync, openSync, readSync} = process.getBuiltinModule('node:fs');
  const {parentPort} = process.getBuiltinModule('node:worker_threads');
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  parentPort?.on('message', ({id, path}: {id: number; path: string}) => {
    let fd: number | undefined;
    try {
      fd = openSync(path, 'r');
      const sha256 = crypto.createHash('sha256');
      const md5 = crypto.createHash('md5');
      let bytes = 0;
      for (;;) {
        const count = readSync(fd, buffer);
        if (count === 0) break;
        const part = buffer.subarray(0, count);
        sha256.update(part);
        md5.update(part);
        bytes += count;
      }
      parentPort.postMessage({id, digests: {sha256: sha256.digest('hex'), md5: md5.digest('base64'), bytes}});
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
      parentPort.postMessage({id, code, message: String(error)});
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  });
}
