import {existsSync, readdirSync, renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {z} from 'zod';
import {timetiles} from '../support/cli.ts';
import {readOnlyView} from '../support/disk.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';
import {failure, failureOf, stateOf, succeed} from './support.ts';

const listSchema = z.object({sets: z.array(z.object({set: z.string(), snapshots: z.array(z.object({source: z.string(), id: z.string()}))}))});

let stack: Stack;
beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.psql('create table t (a int); insert into t select generate_series(1, 10)');
  writeFileSync(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  await stack.writeConfig();
  await succeed(['backup'], stack);
  await succeed(['backup', 'db'], stack);
});
afterAll(() => stack.stop());
beforeEach(() => stack.writeConfig());

const list = async () => listSchema.parse((await timetiles(['backup', 'list', '--json'], {stack})).json()).sets;

describe('an id', () => {
  it('that is none of those there are lists them, and nothing happens', async () => {
    const before = await stateOf(stack);
    const refused = await failureOf(['restore', '20200101T000000Z-ffff', '--yes'], {stack});
    expect(refused).toMatchObject(failure(1, 'not-found', /^there is no set or snapshot 20200101T000000Z-ffff; there are: /, 'List them all: timetiles backup list'));
    for (const {set, snapshots} of await list()) {
      expect(refused.message).toContain(set);
      for (const {source, id} of snapshots) expect(refused.message).toContain(`${source} ${id.slice(0, 8)}`);
    }
    expect(await failureOf(['restore', 'deadbeef', '--target', join(stack.scratch, 'none')], {stack})).toMatchObject(failure(1, 'not-found', 'deadbeef'));
    expect(existsSync(join(stack.scratch, 'none'))).toBe(false);
    expect(await stateOf(stack)).toBe(before);
  });

  it('that matches twice names what it matches, and nothing happens', async () => {
    const before = await stateOf(stack);
    const refused = await failureOf(['restore', '20', '--yes'], {stack});
    expect(refused).toMatchObject(failure(1, 'ambiguous', /^20 matches \d+ times: set /, 'Give more of the id.'));
    for (const {set} of await list()) expect(refused.message).toContain(`set ${set}`);
    expect(await stateOf(stack)).toBe(before);
  });

  it('of a set without the source that is wanted says what it has', async () => {
    const [newest] = await list();
    expect(await failureOf(['restore', newest?.set ?? '', '--only', 'uploads', '--yes'], {stack})).toMatchObject(failure(1, 'not-found', /has no uploads; it has: db$/, 'timetiles backup list'));
  });
});

describe('a target', () => {
  it('that has something in it, or is a file, is refused', async () => {
    writeFileSync(join(stack.scratch, 'a file'), '');
    expect(await failureOf(['restore', 'latest', '--target', stack.home], {stack})).toMatchObject(failure(2, 'usage', /is not empty$/, '--target'));
    expect(await failureOf(['restore', 'latest', '--target', join(stack.scratch, 'a file')], {stack})).toMatchObject(failure(2, 'usage', 'cannot be written to (EEXIST)', '--target'));
  });

  it.each(['../etc', '/', '.', 'a/../../b'])('the path %s in it is refused', async (path) => {
    const refused = await failureOf(['restore', 'latest', '--target', join(stack.scratch, 'out'), '--path', path], {stack});
    expect(refused).toMatchObject(failure(2, 'usage', `--path ${path} is no path inside a set`, 'database.sql'));
  });

  it('a path that the set does not have is named', async () => {
    const refused = await timetiles(['restore', 'latest', '--only', 'uploads', '--target', join(stack.scratch, 'out'), '--path', 'no/such.jpg'], {stack});
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/Error: the uploads of this set have no no\/such\.jpg, nor any file of a like name\nLook for it in all sets: timetiles backup find -i -- such\.jpg \(this was set \S+\)\n$/);
  });
});

describe('a restore without a terminal', () => {
  it.each([
    [['restore'], 'no set was named, and there is no terminal to pick one on', 'timetiles restore latest'],
    [['restore', 'latest'], 'a restore replaces live data, and there is no terminal to ask on', 'Add --yes'],
  ])('%j is refused, and nothing happens', async (args, message, next) => {
    const before = await stateOf(stack);
    expect(await failureOf(args, {stack, input: 'y\n'})).toMatchObject(failure(2, 'usage', message, next));
    expect(await stateOf(stack)).toBe(before);
  });
});

describe('a wrong password', () => {
  it.each(['oldest', 'middle', 'newest'] as const)('is named as such by the %s restic, whatever the command', async (restic) => {
    await stack.writeConfig({RESTIC_PASSWORD: 'not the password'});
    const expected = failure(1, 'repository-password', `the password does not open the repository ${stack.repository}`, 'Set RESTIC_PASSWORD to the password');
    for (const args of [['backup', 'list'], ['restore', 'latest', '--yes'], ['backup', 'uploads']]) expect(await failureOf(args, {stack, restic})).toMatchObject(expected);
    const doctor = await timetiles(['doctor'], {stack, restic});
    expect(doctor).toMatchObject({exitCode: 1, stdout: expect.stringMatching(/^FAIL {2}repository +the password does not open/m)});
    expect(readdirSync(join(stack.repository, 'locks'))).toEqual([]);
  });
});

describe('a repository that is not there', () => {
  it('is named by what only reads, and is not made', async () => {
    const path = join(stack.scratch, 'nowhere', 'repository');
    await stack.writeConfig({RESTIC_REPOSITORY: path});
    const expected = failure(1, 'repository-missing', `there is no repository at ${path}`, 'Check RESTIC_REPOSITORY and whether its disk is mounted');
    for (const args of [['backup', 'list'], ['restore', 'latest', '--yes'], ['restore', 'latest', '--target', '/nowhere']]) expect(await failureOf(args, {stack})).toMatchObject(expected);
    expect(existsSync(join(stack.scratch, 'nowhere'))).toBe(false);
  });

  it('but was there before is not made anew, unless that is asked for', async () => {
    const away = join(stack.scratch, 'away');
    renameSync(stack.repository, away);
    try {
      const expected = failure(1, 'repository-missing', new RegExp(`^the repository ${stack.repository}, in use since \\d{4}-\\d\\d-\\d\\d, is not there any more$`), '--new-repository');
      for (const args of [['backup'], ['backup', 'db'], ['backup', 'uploads']]) expect(await failureOf(args, {stack})).toMatchObject(expected);
      expect(await timetiles(['doctor'], {stack})).toMatchObject({exitCode: 1, stdout: expect.stringContaining('is not there any more')});
      expect(existsSync(stack.repository)).toBe(false);
      expect(await timetiles(['backup', 'db', '--new-repository'], {stack})).toMatchObject({exitCode: 0});
      renameSync(stack.repository, join(stack.scratch, 'new'));
    } finally {
      renameSync(away, stack.repository);
    }
  });

  it('and cannot be made says why', async () => {
    writeFileSync(join(stack.scratch, 'in the way'), '');
    await stack.writeConfig({RESTIC_REPOSITORY: join(stack.scratch, 'in the way', 'repository')});
    expect(await failureOf(['backup'], {stack})).toMatchObject(failure(2, 'configuration', 'leads through a file', 'Correct RESTIC_REPOSITORY.'));
  });
});

it('a read-only repository takes no backup, with a remedy of its own; it can be listed and restored from', async () => {
  const disk = await readOnlyView(stack.repository);
  try {
    await stack.writeConfig({RESTIC_REPOSITORY: disk.path});
    const expected = failure(1, 'repository-readonly', `the repository ${disk.path} is on a read-only file system`, /^Mount it for writing; findmnt --target /);
    for (const args of [['backup'], ['backup', 'db'], ['restore', 'latest', '--yes']]) expect(await failureOf(args, {stack})).toMatchObject(expected);
    expect(await timetiles(['backup', 'list'], {stack})).toMatchObject({exitCode: 0, stderr: ''});
    for (const restic of ['oldest', 'middle', 'newest'] as const) {
      const target = join(stack.scratch, `from read-only ${restic}`);
      expect(await timetiles(['restore', (await list()).at(-1)?.set ?? '', '--target', target], {stack, restic})).toMatchObject({exitCode: 0});
      expect(readdirSync(target).toSorted()).toEqual(['database.sql', 'uploads']);
    }
    expect(await timetiles(['doctor'], {stack})).toMatchObject({exitCode: 1, stdout: expect.stringMatching(/^FAIL {2}repository +\S+ cannot be written to\n +Mount its disk/m)});
  } finally {
    await disk.remove();
  }
});
