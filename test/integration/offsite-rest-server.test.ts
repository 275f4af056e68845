import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {startRestServer, type RestServer} from '../support/rest-server.ts';
import {useBench} from '../support/use-bench.ts';

let lasting: RestServer;
let ordinary: RestServer;

beforeAll(async () => {
  lasting = await startRestServer(useBench(), {appendOnly: true});
  ordinary = await startRestServer(useBench(), {appendOnly: false});
});
afterAll(async () => {
  await lasting.stop();
  await ordinary.stop();
});

test.for([
  {age: 'oldest', appendOnly: true},
  {age: 'newest', appendOnly: true},
  {age: 'newest', appendOnly: false},
] as const)('the $age restic forgets unless the server is append-only ($appendOnly)', async ({age, appendOnly}) => {
  const server = appendOnly ? lasting : ordinary;
  const home = `${server.directory}-home`;
  await mkdir(home);
  try {
    await writeFile(join(home, 'source'), 'content');
    const env = {HOME: home, RESTIC_REPOSITORY: `${server.url}${age}/`, RESTIC_PASSWORD: 'a bench password'};
    const restic = (...args: string[]) => execa(useBench().restic[age], args, {env, reject: false});
    expect((await restic('init')).exitCode).toBe(0);
    expect((await restic('backup', join(home, 'source'))).exitCode).toBe(0);
    const forgetting = restic('forget', 'latest');
    // The oldest would go on trying for a quarter of an hour.
    forgetting.stderr.on('data', (text: Buffer) => {
      if (text.toString().includes('403 Forbidden')) forgetting.kill('SIGINT');
    });
    const {exitCode, stderr} = await forgetting;
    expect(stderr.includes('403 Forbidden')).toBe(appendOnly);
    expect(exitCode === 0).toBe(!appendOnly);
    expect(JSON.parse((await restic('snapshots', '--json')).stdout)).toHaveLength(appendOnly ? 1 : 0);
  } finally {
    await rm(home, {recursive: true, force: true});
  }
});

test('the REST server says by the removal of what is not there whether it is append-only', async () => {
  const statuses: Record<string, number[]> = {};
  for (const kind of ['data', 'snapshots', 'keys', 'index', 'locks']) {
    statuses[kind] = [];
    for (const server of [lasting, ordinary]) {
      const address = `${server.url.slice('rest:'.length)}newest/${kind}/${'0'.repeat(64)}`;
      statuses[kind].push((await fetch(address, {method: 'DELETE'})).status);
    }
  }
  const removing = [403, 200];
  expect(statuses).toEqual({data: removing, snapshots: removing, keys: removing, index: removing, locks: [200, 200]});
});
