import {setTimeout as sleep} from 'node:timers/promises';
import {describe, expect, it} from 'vitest';
import {runInForeground, type Step} from '../../../src/schedule/foreground.ts';
import type {Job} from '../../../src/schedule/jobs.ts';
import type {Log} from '../../../src/shared/log.ts';

const job = (name: string, ...commands: string[][]): Job => ({name, time: '0 0 1 1 *', atStart: true, commands});
const log: Log = {showsProgress: false, info: () => {}, warn: () => {}, debug: () => {}, progress: () => {}};

/** Starts a scheduler whose steps end when they are told to. */
function start(jobs: Job[]) {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const steps: {words: string; signals: string[]; end: () => void}[] = [];
  const startStep = (words: readonly string[]): Step => {
    const {promise, resolve} = Promise.withResolvers<string>();
    const signals: string[] = [];
    steps.push({words: words.join(' '), signals, end: () => resolve('exit code 0')});
    return {ended: promise, stop: (signal) => void signals.push(signal)};
  };
  const outcome = runInForeground({jobs, timeZone: 'Etc/UTC', log, start: startStep, stop: stop.signal, kill: kill.signal});
  const at = async (index: number) => {
    while (!steps[index]) await sleep(5);
    return steps[index];
  };
  return {stop, kill, steps, outcome, at};
}

describe('runInForeground', () => {
  it('runs one step after the other, and ends when it is stopped', async () => {
    const {stop, steps, outcome, at} = start([job('a', ['prune'], ['verify']), job('b', ['backup'])]);
    for (const index of [0, 1, 2]) {
      (await at(index)).end();
      expect(steps).toHaveLength(index + 1);
    }
    await sleep(20);
    stop.abort();
    expect(await outcome).toBe('idle');
    expect(steps.map(({words}) => words)).toEqual(['prune', 'verify', 'backup']);
  });

  it('asks the step at work to end once, waits for it, and begins no other', async () => {
    const {stop, kill, steps, outcome, at} = start([job('a', ['prune'], ['verify']), job('b', ['backup'])]);
    const step = await at(0);
    stop.abort();
    expect(await Promise.race([outcome, sleep(50, 'waits')])).toBe('waits');
    expect(step.signals).toEqual(['SIGTERM']);
    kill.abort();
    expect(step.signals).toEqual(['SIGTERM', 'SIGKILL']);
    step.end();
    expect(await outcome).toBe('interrupted');
    expect(steps).toHaveLength(1);
  });
});
