import {createHash} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, readFile, readdir, stat, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles, type TimetilesResult} from '../support/cli.ts';
import {writeTortureFiles} from '../support/files.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';
import {backUp, changeStack, errorOf, fillStack, stateOf, type BackupReport, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe.each(['newest', 'oldest'] as const)('restic %s: a restore into a directory', (restic) => {
  let stack: Stack;
  let made: BackupReport;
  let files: string;
  let live: State;
  let count = 0;

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false});
    await makeCheapRepository(stack);
    await stack.writeConfig();
    await fillStack(stack, {rows: 50, files: 20});
    await writeTortureFiles(stack.uploadsPath);
    await writeFile(join(stack.uploadsPath, 'database.sql'), 'an upload of that name');
    files = await listTree(stack.uploadsPath);
    made = await backUp(stack, restic);
    await changeStack(stack, 'live');
    live = await stateOf(stack);
  });

  afterAll(() => stack?.stop());

  const freshDirectory = () => join(stack.scratch, `look ${(count += 1)}`);

  /** Runs it where there is no Docker at all. */
  async function inspect(directory: string, ...args: string[]): Promise<TimetilesResult> {
    return timetiles(['restore', 'latest', '--target', directory, '--json', ...args], {stack, restic, env: {DOCKER_HOST: 'unix:///nowhere/docker.sock'}});
  }

  async function expectWritten(directory: string, ...args: string[]): Promise<string[]> {
    const result = await inspect(directory, ...args);
    expectExit(result, 0);
    expect(result.json()).toMatchObject({state: 'done', set: made.set, safetySet: null, restarted: []});
    return result.json().paths;
  }

  /** The lines of a listing for one path and what is below it. */
  function linesOf(listing: string, path: string): string[] {
    const wanted = `./${path.replaceAll(/[^\x20-\x7e]|\\/g, (character) => [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''))}`;
    return listing.split('\n').filter((line) => line.startsWith(`${wanted}\t`) || line.startsWith(`${wanted}/`));
  }

  it('writes the dump and the files, without Docker, and touches nothing live', async () => {
    const directory = freshDirectory();
    const paths = await expectWritten(directory);
    expect(paths).toEqual([join(directory, 'database.sql'), join(directory, 'uploads')]);
    // All but the directory itself, which restic does not keep.
    const below = (listing: string) => listing.split('\n').slice(1);
    expect(below(await listTree(join(directory, 'uploads')))).toEqual(below(files));
    expect((await stat(join(directory, 'database.sql'))).mode & 0o777).toBe(0o600);
    const dump = await readFile(join(directory, 'database.sql'), 'utf8');
    expect(dump).toContain('PostgreSQL database dump complete');
    await stack.psql('create database inspected');
    await stack.psql(dump, {database: 'inspected'});
    expect(await stack.psql('select value, (select count(*) from numbers) from marker', {database: 'inspected'})).toBe('first|50');
    await stack.psql('drop database inspected');
    expect(await stateOf(stack)).toEqual(live);
    expect(await stack.states()).toEqual(['postgres running', 'web running']);
  });

  it('writes one source alone', async () => {
    const directory = freshDirectory();
    await expectWritten(directory, '--only', 'db');
    expect(await readdir(directory)).toEqual(['database.sql']);
  });

  it('writes the dump for --path database.sql, or the upload of that name if told', async () => {
    const [dump, upload] = [freshDirectory(), freshDirectory()];
    expect(await expectWritten(dump, '--path', 'database.sql')).toEqual([join(dump, 'database.sql')]);
    expect(await readFile(join(dump, 'database.sql'), 'utf8')).toContain('PostgreSQL database dump');
    await expectWritten(upload, '--path', 'database.sql', '--only', 'uploads');
    expect(await readFile(join(upload, 'database.sql'), 'utf8')).toBe('an upload of that name');
  });

  const patterns = ['names/*', 'names/?', 'names/[a]', 'names/back\\slash', 'names/ending\\', 'names/{a}'];
  const others = restic === 'newest' ? ['names/with space', 'names/ leading and trailing ', 'names/-rf', 'names/new\nline', 'names/!bang', 'names/日本語', 'names/$HOME', 'links/dangling'] : [];
  it.each([...patterns, ...others, 'directory names/*', 'modes'])('writes %j and nothing else', async (path) => {
    const directory = freshDirectory();
    expect(await expectWritten(directory, `--path=${path}`)).toEqual([join(directory, path)]);
    const listing = await listTree(directory);
    const wanted = linesOf(files, path);
    expect(wanted.length).toBeGreaterThan(0);
    expect(linesOf(listing, path)).toEqual(wanted);
    // The directory itself, the one above the path, and the end of the listing.
    expect(listing.split('\n')).toHaveLength(wanted.length + path.split('/').length + 1);
  });

  it('says when there is no such path', async () => {
    for (const path of ['names/nothing', 'nam?s/plain.txt']) {
      const directory = freshDirectory();
      const result = await inspect(directory, '--path', path);
      expect(result.exitCode).toBe(1);
      expect(errorOf(result).kind).toBe('not-found');
      expect(errorOf(result).message).toContain(path);
      expect(existsSync(join(directory, 'names'))).toBe(false);
    }
  });

  it('refuses a path that leads out, and a directory that is in use', async () => {
    const outside = await inspect(freshDirectory(), '--path', '../etc/passwd');
    expect(outside.exitCode).toBe(2);
    const full = freshDirectory();
    await mkdir(full);
    await writeFile(join(full, 'mine'), 'keep');
    const result = await inspect(full);
    expect(result.exitCode).toBe(2);
    expect(errorOf(result).message).toContain('is not empty');
    expect(await readdir(full)).toEqual(['mine']);
  });

  it('writes a file by the name that it has, digest and all', async () => {
    const directory = freshDirectory();
    await expectWritten(directory, '--path', './contents//binary');
    const digest = createHash('sha256').update(await readFile(join(directory, 'contents', 'binary'))).digest('hex');
    expect(linesOf(files, 'contents/binary')[0]).toContain(digest);
  });
});
