import type {TestProject} from 'vitest/node';
import {startBench} from '../support/bench.ts';

/** Vitest calls this once for every project with real parts; the bench behind it is one and the same. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const {dockerHost, dockerConfig, restic, stop} = await startBench();
  project.provide('bench', {dockerHost, dockerConfig, restic});
  // Test processes inherit it, so that nothing ever meets the machine's own engine by accident.
  process.env['DOCKER_HOST'] = dockerHost;
  return stop;
}
