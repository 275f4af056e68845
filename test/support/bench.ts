import {composeConfig} from './compose.ts';
import {startEngine} from './engine.ts';
import {imageFor} from './images.ts';
import {resticBinaries, type ResticAge} from './restic.ts';

/** What tests, the demonstration and the measurements run against. Plain data, so that it can go to test processes. */
export interface Bench {
  dockerHost: string;
  /** The docker client's configuration that has compose, for DOCKER_CONFIG. */
  dockerConfig: string;
  /** The path of each restic. */
  restic: Record<ResticAge, string>;
}

/** A bench and the way to end it. */
export interface RunningBench extends Bench {
  stop: () => Promise<void>;
}

interface Shared {
  users: number;
  bench: Promise<RunningBench>;
}

declare global {
  // Vitest loads this module once for every project of a run, so what they share cannot live in the module itself.
  var timetilesBench: Shared | undefined;
}

/** Starts the engine with images and restic binaries, once per process however often it is asked for. */
export async function startBench(): Promise<RunningBench> {
  const shared = (globalThis.timetilesBench ??= {users: 0, bench: start()});
  shared.users += 1;
  let bench: RunningBench;
  try {
    bench = await shared.bench;
  } catch (error) {
    globalThis.timetilesBench = undefined;
    throw error;
  }
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    shared.users -= 1;
    if (shared.users > 0) return;
    globalThis.timetilesBench = undefined;
    await bench.stop();
  };
  return {...bench, stop};
}

async function start(): Promise<RunningBench> {
  const engine = await startEngine();
  try {
    const {dockerHost} = engine;
    // One after the other: the first base image is shared, and there are only two cores.
    await imageFor(dockerHost, 'postgres');
    await imageFor(dockerHost, 'web');
    const restic = await resticBinaries(dockerHost);
    const dockerConfig = await composeConfig(dockerHost);
    return {dockerHost, dockerConfig, restic, stop: () => engine.stop()};
  } catch (error) {
    await engine.stop();
    throw error;
  }
}
