import {join} from 'node:path';
import {execa} from 'execa';
import type {Stack} from '../support/stack.ts';

/**
 * Makes a repository for the bare run alone: in the tool's own, snapshots of somebody else would have to be asked for after each round.
 * @returns the environment that leads there
 */
export async function bareRepository(stack: Stack, env: Record<string, string>): Promise<Record<string, string>> {
  const bareEnv = {...env, RESTIC_REPOSITORY: join(stack.scratch, 'bare')};
  await execa('restic', ['init', '--quiet'], {env: bareEnv, extendEnv: false});
  return bareEnv;
}
