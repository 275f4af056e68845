import {interruptedError} from '../shared/errors.ts';

const signalNames = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns the first signal into the abort of a run, so that what was begun is undone before the process ends. Further
 * ones are answered with a word: there is no way to skip the clean-up but SIGKILL, after which the next command does it.
 */
export function abortOnSignals(say: (text: string) => void): {readonly signal: AbortSignal; release(): void} {
  const controller = new AbortController();
  const listeners = signalNames.map((name) => {
    const listener = () => {
      if (controller.signal.aborted) say('still cleaning up…');
      else say(`${name} received, cleaning up…`);
      controller.abort(interruptedError(name));
    };
    process.on(name, listener);
    return {name, listener};
  });
  return {
    signal: controller.signal,
    release: () => listeners.forEach(({name, listener}) => process.off(name, listener)),
  };
}

/** Aborts at the second signal: for a command that may wait long for a child, and where killing that one is safe. */
export function abortOnSecondSignal(): {readonly signal: AbortSignal; release(): void} {
  const controller = new AbortController();
  let count = 0;
  const listener = () => {
    count += 1;
    if (count > 1) controller.abort();
  };
  for (const name of signalNames) process.on(name, listener);
  return {signal: controller.signal, release: () => signalNames.forEach((name) => process.off(name, listener))};
}
