import type {ResticHandle} from './handle.ts';
import {questionLimit, runRestic} from './run.ts';

/** Makes the repository. The directory may exist; restic refuses where a repository is. */
export async function initRepository(handle: ResticHandle): Promise<void> {
  await runRestic(handle, 'making the repository', ['init', '--quiet'], {limit: questionLimit});
}
