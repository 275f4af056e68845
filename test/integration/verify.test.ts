import {randomBytes} from 'node:crypto';
import {existsSync, writeFileSync} from 'node:fs';
import {open, readdir, rename, rm, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {plainRestic, plainResticEnvironment, plainSnapshots, repositoryFiles} from '../support/plain-restic.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  // So much that does not compress has a pack of its own, without trees: 0.14 looks for a missing tree for most of a minute.
  writeFileSync(join(stack.uploadsPath, 'noise'), randomBytes(3_000_000));
  await stack.writeConfig();
});
afterAll(() => stack?.stop());

describe.each(['newest', 'oldest'] as const)('with the %s restic', (restic) => {
  let set: string;
  let pack: string;
  const repository = () => join(stack.scratch, `repository-${restic}`);
  const run = (args: string[]) => timetiles(args, {stack, restic, env: {RESTIC_REPOSITORY: repository()}});
  const verify = (...args: string[]) => run(['backup', 'verify', '--json', ...args]);

  beforeAll(async () => {
    const result = await run(['backup', '--json']);
    expectExit(result, 0);
    ({set} = result.json());
    const data = join(repository(), 'data');
    const names = (await readdir(data, {recursive: true})).filter((name) => name.length > 60).map((name) => join(data, name));
    const sizes = await Promise.all(names.map(async (name) => ({name, size: (await stat(name)).size})));
    pack = sizes.toSorted((a, b) => b.size - a.size)[0]?.name ?? '';
  });

  test('a sound repository is said to be sound, however much is read', async () => {
    const report = {state: 'ok', problems: [], repair: [], sets: 1, newestSet: set, age: expect.any(Number), warnings: []};
    for (const [args, readPercent, part] of [[[], 0, null], [['--read-data'], 100, {number: 1, of: 1}], [['--read-data=5%'], 5, {number: 1, of: 20}], [['--read-data=5%'], 5, {number: 2, of: 20}]] as const) {
      const result = await verify(...args);
      expectExit(result, 0);
      expect(result.json()).toEqual({...report, readPercent, part});
      expect(result.json().age).toBeLessThan(120);
    }
    expect(repositoryFiles(repository(), 'locks')).toEqual([]);
  });

  test('an old newest set is told of, and no damage', async () => {
    const result = await timetiles(['backup', 'verify', '--json'], {stack, restic, env: {RESTIC_REPOSITORY: repository(), BACKUP_MAX_AGE_HOURS: '0'}});
    expectExit(result, 0);
    expect(result.json()).toMatchObject({state: 'ok', warnings: [expect.stringMatching(/^the newest complete set was made .* \(BACKUP_MAX_AGE_HOURS\)$/)]});
  });

  test('a missing pack is found by looking at the structure', async () => {
    await rename(pack, `${pack}.away`);
    try {
      const result = await verify();
      expect(result.exitCode).toBe(1);
      expect(result.json()).toMatchObject({state: 'damaged', newestSet: set, problems: [expect.stringMatching(/^pack [0-9a-f]{64}: does not exist$/)]});
      expect(result.json().repair.join('\n')).toContain(restic === 'newest' ? 'repair index' : 'rebuild-index');
    } finally {
      await rename(`${pack}.away`, pack);
    }
  });

  test('a set without one of its snapshots is no complete one, and that is told', async () => {
    const uploads = (await plainSnapshots(stack, {restic, repository: repository()})).find(({tags}) => tags.includes('uploads'))?.id ?? '';
    const path = join(repository(), 'snapshots', uploads);
    await rename(path, join(stack.scratch, uploads));
    try {
      const result = await verify();
      // Then the set is not complete, and there is no other.
      expectExit(result, 0);
      expect(result.json()).toMatchObject({state: 'ok', newestSet: null, age: null, warnings: ['none of the 1 set is complete']});
    } finally {
      await rename(join(stack.scratch, uploads), path);
    }
  });

  test('a damaged pack is found by reading, and the steps that are printed repair it', async () => {
    const file = await open(pack, 'r+');
    await file.write(randomBytes(64), 0, 64, 100_000);
    await file.close();
    expectExit(await verify(), 0);
    const result = await verify('--read-data');
    expect(result.exitCode).toBe(1);
    const {state, problems, repair} = result.json();
    expect(state).toBe('damaged');
    expect(problems).toEqual([expect.stringContaining(pack.slice(-64))]);

    const words = await run(['backup', 'verify', '--read-data=100%']);
    expect(words.exitCode).toBe(1);
    expect(words.stdout).toMatch(/^The repository is DAMAGED:\n {2}.*\nNewest complete set: .*\nTo repair it/);
    for (const step of repair) expect(words.stdout).toContain(step);

    // As an operator would: whatever stands behind a colon and is no backup.
    const commands = repair.flatMap((step: string) => /: ((?:restic|mv|cp) .*)$/.exec(step)?.[1] ?? []).filter((command: string) => !command.includes('repair snapshots'));
    expect(commands.length).toBeGreaterThanOrEqual(2);
    const env = {...plainResticEnvironment(stack, {restic, repository: repository()})};
    for (const command of commands) await execa('bash', ['-c', command.replace('/root/', `${stack.scratch}/`)], {env, extendEnv: false, cwd: stack.scratch});
    // restic calls a file that it had to store again unreadable, for once.
    await run(['backup']);
    expectExit(await run(['backup']), 0);
    expectExit(await verify('--read-data'), 0);
    expect(await plainRestic(stack, ['check', '--read-data'], {restic, repository: repository()})).toContain('no errors were found');
    await rm(`${repository()}.damaged`, {recursive: true, force: true});
  });
});

describe('a verification is refused', () => {
  const repository = () => join(stack.scratch, 'repository-newest');

  test('when another run holds the lock', async () => {
    const holder = execa('flock', ['--no-fork', join(repository(), 'timetiles.lock'), 'sleep', '60'], {reject: false});
    await sleep(300);
    const result = await timetiles(['backup', 'verify', '--json'], {stack, env: {RESTIC_REPOSITORY: repository()}});
    holder.kill('SIGKILL');
    await holder;
    expect([result.exitCode, errorOf(result).kind]).toEqual([4, 'locked']);
  });

  test.each(['--read-data=0%', '--read-data=101%', '--read-data=5', '--read-data='])('with %s', async (flag) => {
    const result = await timetiles(['backup', 'verify', flag, '--json'], {stack});
    expect(result.exitCode).toBe(2);
    expect(errorOf(result)).toMatchObject({kind: 'usage', message: expect.stringContaining('is not a percentage from 1% to 100%')});
  });

  test('with the wrong password, which is no damage, and where there is no repository', async () => {
    const wrong = await timetiles(['backup', 'verify', '--json'], {stack, env: {RESTIC_REPOSITORY: repository(), RESTIC_PASSWORD: 'another'}});
    expect([wrong.exitCode, errorOf(wrong).kind]).toEqual([1, 'repository-password']);
    const nowhere = join(stack.scratch, 'nowhere');
    const missing = await timetiles(['backup', 'verify', '--json'], {stack, env: {RESTIC_REPOSITORY: nowhere}});
    expect([missing.exitCode, errorOf(missing).kind, existsSync(nowhere)]).toEqual([1, 'repository-missing', false]);
  });
});
