import {toTimetilesError} from '../shared/errors.ts';

/** One thing that doctor looked at. */
export interface Check {
  readonly name: string;
  /** `fail`: a backup would fail; `warn`: it works, but something should be done. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do; absent when all is well. */
  readonly remedy?: string;
}

/** What was found, or what stopped the look. */
export async function attempt(name: string, work: () => Promise<string | {warning: string}>): Promise<Check> {
  try {
    const result = await work();
    return typeof result === 'string' ? {name, state: 'ok', message: result} : {name, state: 'warn', message: result.warning, remedy: 'Make sure that this is meant to be so.'};
  } catch (error) {
    const {kind, message, next} = toTimetilesError(error);
    if (kind === 'interrupted') throw error;
    return {name, state: 'fail', message, remedy: next};
  }
}
