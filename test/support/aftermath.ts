import {expect} from 'vitest';
import {repositoryFiles} from './plain-restic.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';
import {leftoverProcesses} from './tracks.ts';

/** Demands that no process here or in the container, no session in the server and no restic lock of an ended run is left. */
export async function expectNothingLeft(stack: Stack, options: {repository?: string; patienceSeconds?: number} = {}): Promise<void> {
  const {repository = stack.repository, patienceSeconds = 2} = options;
  let left: string[] = [];
  await waitUntil(
    async () => {
      const locks = repositoryFiles(repository, 'locks').map((name) => `lock ${name}`);
      left = [...(await leftoverProcesses(stack)), ...(await inContainer(stack)), ...(await toolSessions(stack)), ...locks];
      return left.length === 0;
    },
    patienceSeconds * 1000,
    100,
  );
  expect(left).toEqual([]);
}

/** The tool's sessions in the server. */
export async function toolSessions(stack: Stack): Promise<string[]> {
  const rows = await stack.psql(`select application_name, pid, state, query from pg_stat_activity where application_name like 'timetiles-%'`);
  return rows === '' ? [] : rows.split('\n');
}

/** The tool's programs in the container. */
async function inContainer(stack: Stack): Promise<string[]> {
  const {stdout} = await stack.docker(['exec', stack.postgres, 'pgrep', '--list-full', 'pg_dump|psql'], {mayFail: true});
  return stdout.split('\n').filter((line) => line !== '');
}
