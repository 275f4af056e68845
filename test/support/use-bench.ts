import {inject} from 'vitest';
import type {Bench} from './bench.ts';

declare module 'vitest' {
  interface ProvidedContext {
    bench: Bench;
  }
}

/** The bench of this vitest run, started by `test/setup/vitest-global.ts`. */
export function useBench(): Bench {
  return inject('bench');
}
