import {createHash} from 'node:crypto';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

/** The checkout these tests belong to. */
export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Everything the bench keeps between runs; nothing outside the checkout is kept. */
export const cacheDirectory = join(checkout, '.cache', 'bench');

/** Short-lived files of stacks and tests, emptied when a bench starts. */
export const scratchDirectory = join(cacheDirectory, 'scratch');

/** Where `disk.ts` mounts its small file systems; leftovers are unmounted when a bench starts. */
export const mountsDirectory = join(cacheDirectory, 'mounts');

/** Two checkouts on one machine must not meet, so this goes into every name outside the checkout. */
export const checkoutId = createHash('sha256').update(checkout).digest('hex').slice(0, 8);

/** Sockets and process ids: not in the checkout, whose path may be longer than a socket's may be. */
export const runDirectory = `/run/timetiles-bench-${checkoutId}`;
