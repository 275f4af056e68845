import {existsSync, writeFileSync} from 'node:fs';
import {readdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {commandLinesDuring} from '../support/command-lines.ts';
import {expectExit, startTimetiles, timetiles, type TimetilesResult} from '../support/cli.ts';
import {storeOldSet} from '../support/old-sets.ts';
import {plainRestic, plainSnapshots, type PlainResticOptions} from '../support/plain-restic.ts';
import {startRestServer} from '../support/rest-server.ts';
import type {ResticAge} from '../support/restic.ts';
import {startS3Proxy} from '../support/s3-proxy.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

const lastOne = {BACKUP_KEEP_LAST: '1', BACKUP_KEEP_DAILY: '0', BACKUP_KEEP_WEEKLY: '0', BACKUP_KEEP_MONTHLY: '0'};
const password = 'rEsT-pAsSwOrD-4711';

let stack: Stack;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await stack.writeConfig();
  writeFileSync(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
});
afterAll(() => stack?.stop());

/** A local repository of its own and where its copy goes. */
interface Place {
  env: Record<string, string>;
  restic: ResticAge;
}

function placeFor(name: string, offsite: string, restic: ResticAge): Place {
  return {env: {RESTIC_REPOSITORY: join(stack.scratch, name), RESTIC_OFFSITE_REPOSITORY: offsite, ...lastOne}, restic};
}

/** Runs the tool; it must succeed. */
async function told(place: Place, args: string[]): Promise<ReturnType<TimetilesResult['json']>> {
  const result = await timetiles([...args, '--json'], {stack, ...place});
  expectExit(result, 0);
  return result.json();
}

/** The ids of a repository's sets, oldest first. */
async function setsIn(options: PlainResticOptions): Promise<string[]> {
  const ids = (await plainSnapshots(stack, options)).flatMap(({tags}) => tags.filter((tag) => tag.startsWith('set:')));
  return [...new Set(ids)].toSorted();
}

async function polynomialOf(options: PlainResticOptions): Promise<string> {
  return JSON.parse(await plainRestic(stack, ['cat', 'config'], options)).chunker_polynomial;
}

test.concurrent('a directory, with the oldest restic: copied, restored and pruned; when it is gone it is not made anew unasked', async () => {
  const repository = join(stack.scratch, 'disk', 'offsite');
  const place = placeFor('of-directory', repository, 'oldest');
  const here: PlainResticOptions = {restic: 'oldest', repository: place.env['RESTIC_REPOSITORY'] ?? ''};
  const there: PlainResticOptions = {restic: 'oldest', repository};
  await told(place, ['backup', 'uploads']);
  const old = await storeOldSet(stack, {daysAgo: 40, sources: ['uploads']}, {restic: 'oldest', repository: here.repository ?? ''});
  expect((await told(place, ['backup', '--offsite'])).offsite).toEqual({state: 'done', level: null, files: 7, bytes: null, lagSets: 0, message: '3 sets copied'});
  expect(await polynomialOf(there)).toBe(await polynomialOf(here));
  expect((await told(place, ['backup', 'uploads', '--offsite'])).offsite).toMatchObject({files: 2, message: '1 set copied'});
  const target = join(stack.scratch, 'from-disk');
  await told(place, ['restore', 'latest', '--offsite', '--only', 'db', '--target', target]);
  expect(existsSync(join(target, 'database.sql'))).toBe(true);
  // There the rule is one day, where it is one set here.
  expect((await told(place, ['backup', 'prune'])).offsite).toMatchObject({state: 'done', removed: [{set: old, state: 'complete', reason: 'expired'}]});
  expect(await setsIn(there)).toEqual(expect.arrayContaining(await setsIn(here)));
  expect(await setsIn(there)).not.toContain(old);

  await rm(repository, {recursive: true});
  const gone = await timetiles(['backup', 'uploads', '--offsite', '--json'], {stack, ...place});
  expectExit(gone, 0);
  expect(gone.json().offsite).toMatchObject({state: 'failed', message: expect.stringContaining('is not there any more'), lagSets: 1});
  expect(gone.stderr).toContain('timetiles backup --offsite --new-repository');
  expect(existsSync(repository)).toBe(false);
  expect((await told(place, ['backup', 'uploads', '--offsite', '--new-repository'])).offsite).toMatchObject({state: 'done', lagSets: 0});
  expect(await setsIn(there)).toEqual(await setsIn(here));
});

describe("restic's REST server", () => {
  const withLogin = (url: string) => url.replace('://', `://me:${password}@`);

  test.concurrent('append-only: sets are copied and listed, and prune leaves them alone', async () => {
    const server = await startRestServer(useBench(), {appendOnly: true});
    try {
      const place = placeFor('of-append-only', withLogin(server.url), 'newest');
      await told(place, ['backup', 'uploads']);
      const running = startTimetiles(['backup', 'uploads', '--offsite'], {stack, ...place, env: {...place.env, TIMETILES_DEBUG: '1'}});
      running.stdin.end();
      const lines = await commandLinesDuring(running.result);
      const {stdout, stderr} = await running.result;
      expect(stdout).toMatch(/^Offsite: done, 2 sets copied\.$/m);
      expect(lines.filter((line) => line.startsWith('restic copy '))).not.toEqual([]);
      expect([stdout, stderr, ...lines].filter((text) => text.includes(password))).toEqual([]);

      const pruned = await timetiles(['backup', 'prune'], {stack, ...place});
      expectExit(pruned, 0);
      expect(pruned.stdout).toContain('Removed 1 set ');
      expect(pruned.stdout).toMatch(/^Offsite: skipped, rest:http:\/\/me@127\.0\.0\.1:\d+\/ is append-only: nothing can be removed from here/m);
      expect((await told(place, ['backup', 'list', '--offsite'])).sets).toHaveLength(2);
      expect((await told(place, ['backup', 'list'])).offsite).toMatchObject({lagSets: 0, url: expect.not.stringContaining(password)});
      await expectSilence();
    } finally {
      await server.stop();
    }
  });

  test.concurrent('in its ordinary mode, with the oldest restic: prune works there too', async () => {
    const server = await startRestServer(useBench(), {appendOnly: false});
    try {
      const place = placeFor('of-ordinary', withLogin(server.url), 'oldest');
      const here = {restic: 'oldest', repository: place.env['RESTIC_REPOSITORY'] ?? ''} as const;
      await told(place, ['backup', 'uploads']);
      const old = await storeOldSet(stack, {daysAgo: 40, sources: ['uploads']}, here);
      expect((await told(place, ['backup', 'uploads', '--offsite'])).offsite.state).toBe('done');
      const {removed, offsite} = await told(place, ['backup', 'prune']);
      expect(removed.map(({set}: {set: string}) => set)).toContain(old);
      expect(offsite).toMatchObject({state: 'done', removed: [{set: old}]});
      const left = await setsIn({restic: 'oldest', repository: server.url});
      expect(left).toEqual(expect.arrayContaining(await setsIn(here)));
      expect(left).not.toContain(old);
      await expectSilence();
    } finally {
      await server.stop();
    }
  });

  test.concurrent('that refuses: the password is in no error', async () => {
    const refusing = await startS3Proxy('http://127.0.0.1:9');
    refusing.setRule(() => ({kind: 'answer', status: 401}));
    try {
      const place = placeFor('of-refusing', withLogin(`rest:${refusing.endpoint}/`), 'newest');
      for (const args of [['backup', 'uploads', '--offsite'], ['backup', 'list', '--offsite'], ['backup', 'prune'], ['offsite', 'probe'], ['offsite', 'kit']]) {
        const result = await timetiles(args, {stack, ...place, env: {...place.env, TIMETILES_DEBUG: '1'}});
        expect(result.stdout + result.stderr).not.toContain(password);
      }
      const {offsite} = await told(place, ['backup', 'uploads', '--offsite']);
      expect(offsite).toMatchObject({state: 'failed', message: expect.stringContaining('401')});
      expect(JSON.stringify(offsite)).not.toContain(password);
      await expectSilence();
    } finally {
      await refusing.close();
    }
  });

  /** No file that the tool keeps for itself names the password. */
  async function expectSilence(): Promise<void> {
    const files = (await readdir(join(stack.home, 'state'), {recursive: true, withFileTypes: true})).filter((entry) => entry.isFile());
    const texts = await Promise.all(files.map(({parentPath, name}) => readFile(join(parentPath, name), 'utf8')));
    expect(texts.filter((text) => text.includes('127.0.0.1'))).not.toEqual([]);
    expect(texts.filter((text) => text.includes(password))).toEqual([]);
  }
});
