import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectNothingLeft} from '../support/aftermath.ts';
import {startTimetiles, timetiles} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {withSmallDisk} from '../support/disk.ts';
import {holdDump, resticStoring, type HeldDump} from '../support/dump.ts';
import {plainRestic, repositoryFiles} from '../support/plain-restic.ts';
import type {ResticAge} from '../support/restic.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

// Everything here happens while pg_dump is in the middle of a table, held there until the damage is done.
let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {web: 0, heartbeat: false});
  await growDatabase(stack, 40);
  await stack.writeConfig();
});
afterAll(() => stack.stop());

interface Failure {
  restic?: ResticAge;
  damage: (dump: HeldDump) => Promise<unknown>;
  /** Whether pg_dump has to go on afterwards, to notice. */
  resumes?: boolean;
  /** Makes the next run possible, where the damage lasts. */
  repair?: () => Promise<unknown>;
}

/** Runs a backup that must fail without a trace, and another one that must not. Answers with the first one's error. */
async function failingBackup({restic = 'newest', damage, resumes = true, repair}: Failure): Promise<{kind: string; message: string; next: string}> {
  const before = await sets(restic);
  const running = startTimetiles(['backup', 'db', '--json'], {stack, restic});
  running.stdin.end();
  const dump = await holdDump(stack);
  await damage(dump);
  if (resumes) dump.resume();
  const result = await running.result;
  expect(result.exitCode).toBe(1);
  expect(`${result.stdout}${result.stderr}`).not.toContain(stack.password);
  await repair?.();
  await expectNothingLeft(stack);
  expect(await sets(restic)).toEqual(before);

  const next = await timetiles(['backup', 'db', '--json'], {stack, restic});
  expect(next.exitCode).toBe(0);
  expect((await sets(restic)).map(({set}) => set)).toEqual([next.json().set, ...before.map(({set}) => set)]);
  return result.json().error;
}

async function sets(restic: ResticAge): Promise<{set: string; state: string}[]> {
  // Before the first backup there is nothing to list.
  const list = await timetiles(['backup', 'list', '--json'], {stack, restic});
  return list.exitCode === 0 ? list.json().sets : [];
}

const ages: ResticAge[] = ['oldest', 'newest'];

const dumpFailed = {kind: 'dump', next: expect.stringMatching(/^Nothing was stored\. Look at docker logs .* run the backup again\.$/)};

describe.each(ages)('with the %s restic, a backup fails cleanly when', (restic) => {
  test('pg_dump is killed', async () => {
    const damage = () => stack.docker(['exec', stack.postgres, 'pkill', '-KILL', 'pg_dump']);
    const error = await failingBackup({restic, damage, resumes: false});
    expect(error).toMatchObject({...dumpFailed, message: `pg_dump in ${stack.postgres} failed: exit code 137`});
  });

  test('restic is killed', async () => {
    const damage = async () => process.kill(await resticStoring(stack, '/database.sql'), 'SIGKILL');
    const error = await failingBackup({restic, damage});
    expect(error).toMatchObject({kind: 'repository', message: 'storing /database.sql failed: signal SIGKILL', next: expect.stringContaining(`restic -r ${stack.repository} check`)});
  });

  test('the disk of the repository is full', () =>
    withSmallDisk(20, async (disk) => {
      const repository = `${disk.path}/repository`;
      const env = {RESTIC_REPOSITORY: repository, BACKUP_MIN_FREE_GB: '0'};
      const result = await timetiles(['backup', 'db', '--json'], {stack, restic, env});
      expect(result.exitCode).toBe(1);
      expect(result.json().error).toMatchObject({
        kind: 'repository-full',
        message: `the disk of the repository ${repository} is full`,
        next: expect.stringContaining(`df -h ${repository}`),
      });
      expect(repositoryFiles(repository, 'snapshots')).toEqual([]);
      await expectNothingLeft(stack, {repository});

      await execa('mount', ['-o', 'remount,size=200m', disk.path]);
      const next = await timetiles(['backup', 'db', '--json'], {stack, restic, env});
      expect(next.exitCode).toBe(0);
      expect(await plainRestic(stack, ['check', '--read-data'], {restic, repository})).toContain('no errors were found');
    }));
});

describe('a backup fails cleanly when', () => {
  test("the server ends pg_dump's session", async () => {
    const damage = () => stack.psql(`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'timetiles-%' and query ilike 'copy%'`);
    const error = await failingBackup({damage});
    expect(error).toMatchObject({...dumpFailed, message: expect.stringMatching(/failed: Dumping the contents of table "archive" .*(terminating connection due to administrator command|server closed the connection unexpectedly)$/)});
  });

  test('a table has lost its file, whoever notices it first', async () => {
    await stack.psql('create table lost as select 1 as n; checkpoint');
    const file = (await stack.psql(`select current_setting('data_directory') || '/' || pg_relation_filepath('lost')`)).trim();
    const move = (from: string, to: string) => stack.docker(['exec', stack.postgres, 'mv', from, to]);
    await move(file, `${file}.away`);
    try {
      const result = await timetiles(['backup', 'db', '--json'], {stack});
      expect(result.exitCode).toBe(1);
      expect(result.json().error.message).toMatch(/could not open file "base\/\S+": No such file or directory/);
      await expectNothingLeft(stack);
    } finally {
      await move(`${file}.away`, file);
      await stack.psql('drop table lost');
    }
  });

  test('the container is stopped', async () => {
    const damage = () => stack.docker(['stop', '--time', '1', stack.postgres]);
    const error = await failingBackup({damage, resumes: false, repair: () => startAgain(stack.postgres)});
    expect(error).toMatchObject({kind: 'container', message: `the dump was broken off: the container ${stack.postgres} is exited`, next: `Nothing was stored. Start it: docker start ${stack.postgres}`});
  });

  test('the container is paused, and stays so', async () => {
    const running = startTimetiles(['backup', 'db', '--json'], {stack});
    running.stdin.end();
    const dump = await holdDump(stack);
    await stack.docker(['pause', stack.postgres]);
    const result = await running.result;
    const paused = {kind: 'container', message: expect.stringContaining(`the container ${stack.postgres} is paused`), next: expect.stringContaining(`docker unpause ${stack.postgres}`)};
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject(paused);
    expect(result.json().error.next).toMatch(/^Nothing was stored\. /);
    // Whoever comes next is told at once.
    const begin = Date.now();
    expect((await timetiles(['backup', 'db', '--json'], {stack})).json().error).toMatchObject(paused);
    const doctor = await timetiles(['doctor', '--json'], {stack});
    expect(JSON.parse(doctor.stdout).checks).toContainEqual(expect.objectContaining({state: 'fail', message: paused.message}));
    expect(Date.now() - begin).toBeLessThan(30_000);
    await stack.docker(['unpause', stack.postgres]);
    dump.resume();
    expect((await timetiles(['backup', 'db', '--json'], {stack})).exitCode).toBe(0);
    await expectNothingLeft(stack);
  }, 180_000);

  test('the container is removed', async () => {
    const spare = await spareContainer();
    const damage = () => stack.docker(['rm', '--force', stack.postgres]);
    const repair = async () => {
      await stack.docker(['rename', spare, stack.postgres]);
      await startAgain(stack.postgres);
    };
    const error = await failingBackup({damage, resumes: false, repair});
    expect(error).toMatchObject({kind: 'container', message: expect.stringMatching(/^the dump was broken off: the container \S+ (has been removed|is removing|is exited)$/)});
  });
});

async function startAgain(container: string): Promise<void> {
  await stack.docker(['start', container]);
  await stack.waitHealthy();
}

/** A second container on the same data, not started: what `docker compose up` makes when the first is gone. */
async function spareContainer(): Promise<string> {
  const {stdout} = await stack.docker(['inspect', '--format', '{{json .Config}}', stack.postgres]);
  const {Env, Labels, Image}: {Env: string[]; Labels: Record<string, string>; Image: string} = JSON.parse(stdout);
  const name = `${stack.postgres}-spare`;
  await stack.docker([
    'create', '--name', name, '--network', 'none', '--shm-size', '256m', '--volumes-from', stack.postgres,
    ...Env.flatMap((entry) => ['--env', entry]),
    ...Object.entries(Labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    Image,
  ]);
  return name;
}
