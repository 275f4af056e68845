import {TimetilesError} from '../../shared/errors.ts';
import {durationText} from '../../shared/duration.ts';
import {shellWord} from '../../shared/format.ts';

/**
 * Seconds without a single byte after which a dump is given up. pg_dump is silent while it reads the definitions of many tables, and while the server
 * reads through a large table that has hardly a row left.
 */
const silentLimit = 3600;

/** Notices that a dump goes on without end and without a byte, as where a disk of the server's does not answer any more. */
interface StallWatch {
  /** Resolves when it is time to end the dump. */
  readonly stalled: Promise<void>;
  /** @param bytes how many there are by now */
  saw(bytes: number): void;
  /** It waits for something that is known, and has a limit of its own. */
  waits(): void;
  /** What to throw instead of what pg_dump said of its end; undefined where it did not stall. */
  error(container: string): TimetilesError | undefined;
  close(): void;
}

/** @param limit seconds */
export function watchForStall(limit = silentLimit): StallWatch {
  let last = 0;
  let hasStalled = false;
  const {promise: stalled, resolve} = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    hasStalled = true;
    resolve();
  }, limit * 1000).unref();
  const goesOn = () => {
    if (!hasStalled) timer.refresh();
  };
  return {
    stalled,
    saw(bytes) {
      if (bytes !== last) goesOn();
      last = bytes;
    },
    waits: goesOn,
    error(container) {
      if (!hasStalled) return undefined;
      return new TimetilesError(
        'timeout',
        `pg_dump in ${container} has written nothing for ${durationText(limit)}`,
        `Nothing was stored. See what the server waits for (docker exec ${shellWord(container)} psql -c 'select pid, wait_event, query from pg_stat_activity'; dmesg | tail), then run the backup again.`,
      );
    },
    close: () => clearTimeout(timer),
  };
}
