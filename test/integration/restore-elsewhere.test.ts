import {chmod, chown, mkdir, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {databaseFingerprint, loadTortureSchema} from '../support/database.ts';
import {smallDisk, type Disk} from '../support/disk.ts';
import {writeTortureFiles} from '../support/files.ts';
import {signalAt} from '../support/kill-restore.ts';
import {leftovers} from '../support/leftovers.ts';
import type {ResticAge} from '../support/restic.ts';
import {awkwardNames, makeCheapRepository, startStack, type Stack, type StackOptions} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';
import {backUp, restore, stateOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

describe('a restore onto another stack', () => {
  /** In turns: what restic itself does differently is shown by restore-round-trip. */
  let restic: ResticAge = 'oldest';
  let origin: Stack;
  let set: string;
  let database: string;
  let files: string;

  beforeAll(async () => {
    origin = await startStack(useBench(), {...awkwardNames, heartbeat: false});
    await makeCheapRepository(origin);
    await origin.writeConfig();
    await loadTortureSchema(origin);
    await writeTortureFiles(origin.uploadsPath);
    database = await contentOf(origin);
    files = await listTree(origin.uploadsPath);
    ({set} = await backUp(origin, restic));
  });

  beforeEach(() => void (restic = restic === 'newest' ? 'oldest' : 'newest'));

  afterAll(() => origin?.stop());

  async function onto(options: StackOptions, work: (target: Stack) => Promise<void>, config: Record<string, string> = {}): Promise<void> {
    const target = await startStack(useBench(), {heartbeat: false, ...options});
    try {
      await target.writeConfig({RESTIC_REPOSITORY: origin.repository, ...config});
      await work(target);
    } finally {
      await target.stop();
    }
  }

  /** A database as `pg_dump` and the catalogues show it, but for what belongs to the server: its roles, and who owns an extension's tables. */
  async function contentOf(stack: Stack, name = stack.database): Promise<string> {
    const to = join(stack.scratch, 'content.sql');
    const {settings} = await databaseFingerprint(stack, {database: name, to});
    const dump = (await readFile(to, 'utf8')).replace(/^(-- Data for Name: spatial_ref_sys;.* Owner: ).*$/m, '$1extension');
    return [...settings.filter((line) => !line.startsWith('role|')), dump].join('\n');
  }

  it('of another project, with a volume of another name, on a server that has none of the roles', async () => {
    await onto({dbName: 'elsewhere', dbUser: 'somebody'}, async (target) => {
      const empty = await stateOf(target);
      expect(await restore(target, restic, ['latest', '--no-safety-backup'])).toMatchObject({set, restarted: target.web});
      expect(await contentOf(target)).toBe(database);
      expect(await listTree(target.uploadsPath)).toBe(files);
      // The login of the origin came with its password.
      const login = ['exec', '--env', `PGPASSWORD=${origin.password}`, '--env', `PGUSER=${origin.user}`, '--env', 'PGDATABASE=elsewhere', target.postgres];
      expect((await target.docker([...login, 'psql', '-XAtc', 'select current_user'])).stdout.trim()).toBe(origin.user);
      await target.waitHealthy();
      expect(await leftovers(target)).toEqual([]);
      expectExit(await timetiles(['restore', '--undo', '--yes', '--no-safety-backup'], {stack: target, restic}), 0);
      expect(await stateOf(target)).toEqual(empty);
      expect(await target.psql(`select count(*) from pg_roles where rolname = :'name'`, {variables: {name: origin.user}})).toBe('0');
      expect(await leftovers(target)).toEqual([]);
    });
  });

  it('whose uploads are a directory of the host', async () => {
    await onto({uploads: 'directory'}, async (target) => {
      await writeFile(join(target.uploadsPath, 'old'), 'old');
      const report = await restore(target, restic, ['latest', '--only', 'uploads']);
      expect(report.restarted).toEqual(target.web);
      expect(await listTree(target.uploadsPath)).toBe(files);
      expect((await target.docker(['exec', ...target.web, 'ls', '/app/uploads'])).stdout).toContain('contents');
      expect(await leftovers(target)).toEqual([]);
    });
  });

  describe('whose uploads are a mount point of the host', () => {
    let disk: Disk;

    beforeAll(async () => {
      disk = await smallDisk(512);
    });

    afterAll(() => disk?.remove());

    it('come back although the directory itself cannot be renamed, whenever the tool is killed', async () => {
      await onto({uploads: {hostDirectory: disk.path}}, async (target) => {
        await mkdir(join(disk.path, 'names'));
        await writeFile(join(disk.path, 'names', 'old'), 'old');
        await chmod(disk.path, 0o751);
        await chown(disk.path, 7, 8);
        const before = await listTree(disk.path);
        const moments = [
          {after: 'restoring uploads', milliseconds: 300},
          {after: 'stopping', milliseconds: 0},
          {after: 'putting the restored data in place', milliseconds: 2},
        ];
        for (const moment of moments) {
          const {running} = await signalAt(['restore', set, '--only', 'uploads', '--yes', '--no-safety-backup'], moment, 'SIGKILL', {stack: target, restic});
          await running.exited;
          const next = await timetiles(['backup', 'list'], {stack: target, restic});
          expectExit(next, 0);
          const finished = next.stderr.includes('finished an interrupted restore');
          expect(await listTree(disk.path)).toBe(finished ? files : before);
          await target.waitHealthy();
          expect(await leftovers(target)).toEqual([]);
        }
        await writeFile(join(disk.path, 'since'), 'since');
        const last = await listTree(disk.path);
        // Nothing is kept in the directory, where the app would see it: the safety set is the way back.
        expect(await restore(target, restic, [set, '--only', 'uploads'])).toMatchObject({restarted: target.web, previous: {kept: false}});
        expect(await listTree(disk.path)).toBe(files);
        expect(await leftovers(target)).toEqual([]);
        expectExit(await timetiles(['restore', '--undo', '--yes', '--no-safety-backup'], {stack: target, restic}), 0);
        expect(await listTree(disk.path)).toBe(last);
        expect(await leftovers(target)).toEqual([]);
      });
    });
  });

  it('that is told by keys: container, database, user and volume', async () => {
    await onto({}, async (target) => {
      await target.psql(`create role "key user" superuser login password 'key password'`);
      const volume = `${target.project}_other`;
      await target.docker(['volume', 'create', volume]);
      const keys = {
        COMPOSE_PROJECT_NAME: 'nothing-of-that-name', POSTGRES_CONTAINER: target.postgres, UPLOADS_VOLUME: volume,
        DB_NAME: 'by key', DB_USER: 'key user', DB_PASSWORD: 'key password',
      };
      await target.writeConfig({RESTIC_REPOSITORY: origin.repository, ...keys});
      const live = await stateOf(target);
      expect(await restore(target, restic, [set])).toMatchObject({restored: ['db', 'uploads'], safetySet: null, restarted: []});
      expect(await contentOf(target, 'by key')).toBe(database);
      const {stdout} = await target.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
      expect(await listTree(stdout.trim())).toBe(files);
      expect(await stateOf(target)).toEqual(live);
      await target.docker(['volume', 'rm', volume]);
      expect(await leftovers(target)).toEqual([]);
    });
  });
});
