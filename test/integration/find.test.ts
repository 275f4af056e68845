import {execFileSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {mkdir, readFile, rm, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {backUp, errorOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let stack: Stack;
const sets: string[] = [];
const odd = 'names/[x]* it\'s "odd" ü.JPG';
const hostile = 'names/esc\u001B[31m\nred.jpg';
const bytes = Buffer.from('names/latin\xFF.jpg', 'latin1');

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  await stack.writeConfig();
  const write = async (path: string, content: string, day: string) => {
    await writeFile(join(stack.uploadsPath, path), content);
    await utimes(join(stack.uploadsPath, path), new Date(day), new Date(day));
  };
  await mkdir(join(stack.uploadsPath, 'names'));
  for (const path of ['report.txt', odd, hostile]) await write(path, 'first', '2026-01-01T00:00:00Z');
  await writeFile(Buffer.concat([Buffer.from(`${stack.uploadsPath}/`), bytes]), 'bytes');
  sets.push((await backUp(stack, 'oldest')).set, (await backUp(stack, 'newest')).set);
  await write('report.txt', 'second version', '2026-02-01T00:00:00Z');
  await rm(join(stack.uploadsPath, odd));
  sets.push((await backUp(stack, 'newest')).set);
});
afterAll(() => stack?.stop());

describe.each(['newest', 'oldest'] as const)('restic %s', (restic) => {
  const find = async (...args: string[]) => {
    // Nothing but the repository is needed.
    const result = await timetiles(['backup', 'find', ...args, '--json'], {stack, restic, env: {DOCKER_HOST: 'unix:///nowhere/docker.sock'}});
    expectExit(result, 0);
    return result.json();
  };

  it('tells each version once, newest first, with the sets that have it and the command for it', async () => {
    const {versions, searchedSets} = await find('report');
    expect(versions).toMatchObject([
      {source: 'uploads', path: 'report.txt', size: 14, sets: 1, oldestSet: sets[2], newestSet: sets[2]},
      {source: 'uploads', path: 'report.txt', size: 5, sets: 2, oldestSet: sets[0], newestSet: sets[1]},
    ]);
    expect(versions.map(({modified}: {modified: string}) => Date.parse(modified))).toEqual(['2026-02-01T00:00:00Z', '2026-01-01T00:00:00Z'].map(Date.parse));
    expect(searchedSets).toBe(3);
    const text = await timetiles(['backup', 'find', 'report', '--limit', '1'], {stack, restic});
    expect(text.stdout).toMatch(new RegExp(`^uploads  report.txt  14 B  2026-02-01 00:00:00  in set ${sets[2]}\n    timetiles restore ${sets[2]} --only uploads --path=report.txt --target /tmp/restore-${sets[2]}\n1 older version not shown; see them with --limit 2.\n$`));
  });

  it('takes globs, capitals, sources and sets as they are meant', async () => {
    const paths = async (...args: string[]) => (await find(...args)).versions.map(({path}: {path: string}) => path).toSorted();
    expect(await paths('*.JPG')).toEqual([odd]);
    expect(await paths('*.JPG', '--set', 'latest')).toEqual([]);
    expect(await paths('*.JPG', '-i')).toEqual([odd, hostile, 'names/latin\uFFFD.jpg'].toSorted());
    expect(await paths('\\[x\\]\\* it')).toEqual([odd]);
    expect(await paths('[!a]eport.*', '--set', sets[0] ?? '')).toEqual(['report.txt']);
    // A folder that lost a file in between has two times, and nothing below it has this name.
    expect(await paths('names')).toEqual(['names', 'names']);
    expect(await paths('.sql')).toEqual(['database.sql', 'database.sql', 'database.sql']);
    expect(await paths('.sql', '--source', 'uploads')).toEqual([]);
  });

  it.each([['it\'s "odd"'], ['red.jpg'], ['latin']])('the command for %j brings it back, and nothing reaches the terminal raw', async (pattern) => {
    const {stdout} = await timetiles(['backup', 'find', pattern], {stack, restic});
    expect(stdout).not.toContain('\u001B');
    const command = /^ {4}timetiles (.*) --target (\S+)$/m.exec(stdout);
    const target = join(stack.scratch, `found ${restic} ${pattern.length}`);
    // As a shell reads it.
    const words = execFileSync('bash', ['-c', `printf '%s\\0' ${command?.[1]}`], {env: {LC_ALL: 'C.UTF-8'}, stdio: ['ignore', 'pipe', 'inherit']}).toString().split('\0').slice(0, -1);
    const result = await timetiles([...words, '--target', target], {stack, restic});
    expectExit(result, 0);
    expect(result.stdout).not.toContain('\u001B');
    const [path, content] = pattern === 'latin' ? [bytes, 'bytes'] : [Buffer.from(pattern === 'red.jpg' ? hostile : odd), 'first'];
    expect(await readFile(Buffer.concat([Buffer.from(`${target}/`), path]), 'utf8')).toBe(content);
  });

  it('a path that is not there names those of its name, and the way to look in all sets', async () => {
    const target = join(stack.scratch, `nothing ${restic}`);
    const result = await timetiles(['restore', 'latest', '--path', 'wrong/REPORT.txt', '--target', target, '--json'], {stack, restic});
    expect(result.exitCode).toBe(1);
    expect(errorOf(result)).toMatchObject({kind: 'not-found', message: 'the uploads of this set have no wrong/REPORT.txt; there are: report.txt', next: expect.stringContaining('timetiles backup find -i -- REPORT.txt')});
    expect(existsSync(join(target, 'wrong'))).toBe(false);
  });
});

it('says when there is nothing, and refuses a pattern that says nothing', async () => {
  const none = await timetiles(['backup', 'find', 'no such file'], {stack});
  expect(none).toMatchObject({exitCode: 0, stdout: 'Nothing of that name is in 3 sets. With --ignore-case, capitals make no difference.\n'});
  for (const pattern of ['', '/', '*']) expect((await timetiles(['backup', 'find', pattern], {stack})).exitCode).toBe(2);
});
