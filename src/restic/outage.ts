/**
 * How long one request may fail; milliseconds. restic itself tries each for a quarter of an hour, and then the removal of its lock for another one:
 * what is down tonight is tried again with the next run.
 */
const outageLimit = 180_000;
/** After so much longer than the pause that restic announced, a request that fails is another one of the same name; milliseconds. */
const forgottenAfter = 600_000;
/** More requests at a time than any backend takes; those that came to a good end say nothing of it in older versions. */
const requestsToKeep = 1000;

/** `Save(<data/6bed910370>) returned error, retrying after 552.330144ms: dial tcp …: connection refused` */
const retryLine = /(\w+\([^)]*\)) returned error, retrying after (?:(\d+)m)?([\d.]+)(ms|µs|s): (.*?)"?\}*$/;

/** Notices by restic's words that a request fails again and again. */
export interface OutageWatch {
  /** @returns whether the repository has been away for too long */
  isLasting(line: string): boolean;
  /** What failed, once it has for too long. */
  said(): string | undefined;
}

export function watchOutage(limit = outageLimit, now: () => number = Date.now): OutageWatch {
  const since = new Map<string, {readonly begin: number; readonly next: number}>();
  let said: string | undefined;
  return {
    isLasting(line) {
      const [, request = '', minutes = '0', seconds = '0', unit, why = ''] = retryLine.exec(line) ?? [];
      if (request === '') return false;
      const pause = unit === 's' ? Number(minutes) * 60_000 + Number(seconds) * 1000 : 0;
      const before = since.get(request);
      const begin = before && now() - before.next < forgottenAfter ? before.begin : now();
      // The one that failed last comes last, so that the first is the one to forget.
      since.delete(request);
      since.set(request, {begin, next: now() + pause});
      const [first] = since.keys();
      if (since.size > requestsToKeep && first !== undefined) since.delete(first);
      // No try begins later.
      if (now() + pause - begin < limit) return false;
      said ??= `the repository has not answered for ${Math.round((now() - begin) / 1000)} seconds: ${why}`;
      return true;
    },
    said: () => said,
  };
}
