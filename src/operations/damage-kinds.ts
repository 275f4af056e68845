import {TimetilesError} from '../shared/errors.ts';

/** Kinds of errors that mean that a set's own data cannot be used. */
const damageKinds: ReadonlySet<string> = new Set(['repository-damaged', 'repository', 'restore']);

/** Data of a set that a restore had to do without. */
export interface MissingData {
  readonly source: string;
  /** Paths in the snapshot; none when the whole source is missing. */
  readonly paths: readonly string[];
  /** Why the whole source is missing; null when only some of it is. */
  readonly reason: string | null;
}

/** Whether a restore that failed so may go on without the source. */
export function meansDamage(error: unknown): error is TimetilesError {
  return error instanceof TimetilesError && damageKinds.has(error.kind);
}
