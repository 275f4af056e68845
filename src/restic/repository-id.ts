import {z} from 'zod';
import type {ResticHandle} from './handle.ts';
import {questionLimit, runRestic} from './run.ts';

const config = z.object({id: z.string().regex(/^[0-9a-f]{64}$/)});

/** The id of a repository, which it got when it was made and never changes. */
export async function readRepositoryId(handle: ResticHandle): Promise<string> {
  const {stdout} = await runRestic(handle, 'reading the repository id', ['cat', '--no-lock', 'config'], {limit: questionLimit});
  return config.parse(JSON.parse(stdout)).id;
}
