import {readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, timetiles} from '../support/cli.ts';
import {plainRestic, withoutToken} from '../support/plain-restic.ts';
import {overTcp} from '../support/proxy.ts';
import {awkwardNames, makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

describe('a stack with a named volume', () => {
  let stack: Stack;
  const run = (args: string[], env: Record<string, string> = {}) => timetiles([...args, '--json'], {stack, env});

  beforeAll(async () => {
    stack = await startStack(useBench(), {heartbeat: false});
    await makeCheapRepository(stack);
    await stack.psql('create table proof as select generate_series(1, 10) as n');
    await stack.writeConfig();
  });
  afterAll(() => stack.stop());

  test('a new installation, whose uploads are empty, is backed up with a warning', async () => {
    for (const restic of ['oldest', 'newest'] as const) {
      const result = await timetiles(['backup', '--json'], {stack, restic});
      expect(result.json()).toMatchObject({state: 'complete', warnings: [`the volume ${stack.uploadsVolume} is empty`]});
    }
    const target = join(stack.scratch, 'restored');
    expect((await run(['restore', 'latest', '--only', 'uploads', '--target', target])).exitCode).toBe(0);
    expect(await readdir(join(target, 'uploads'))).toEqual([]);
  });

  test('a volume that has suddenly become empty is an error, unless it is allowed', async () => {
    await writeFile(join(stack.uploadsPath, 'one'), '1');
    await writeFile(join(stack.uploadsPath, 'two'), '2');
    expect((await run(['backup', 'uploads'])).exitCode).toBe(0);
    for (const name of ['one', 'two']) await rm(join(stack.uploadsPath, name));

    for (const args of [['backup', 'uploads'], ['backup']]) {
      const refused = await run(args);
      expect(refused.exitCode).toBe(1);
      expect(refused.json().error).toMatchObject({
        kind: 'volume',
        message: `the volume ${stack.uploadsVolume} is empty, but the last backup of it has 2 files`,
        next: expect.stringMatching(/timetiles restore latest --only uploads.*--allow-empty/),
      });
    }
    const allowed = await run(['backup', 'uploads', '--allow-empty']);
    expect(allowed.exitCode).toBe(0);
    expect(allowed.json().warnings).toEqual([`the volume ${stack.uploadsVolume} is empty`]);
    // Empty is now what it was before.
    expect((await run(['backup', 'uploads'])).exitCode).toBe(0);
    await writeFile(join(stack.uploadsPath, 'one'), '1');
  });

  test('a volume that does not exist is an error', async () => {
    const result = await run(['backup', 'uploads'], {UPLOADS_VOLUME: 'nowhere'});
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject({kind: 'volume', message: expect.stringMatching(new RegExp(`^there is no volume nowhere .*${stack.uploadsVolume}`)), next: expect.stringContaining('UPLOADS_VOLUME')});
  });

  test('a volume that nothing mounts is an error, unless it is allowed', async () => {
    const volume = `${stack.project}_spare`;
    await stack.docker(['volume', 'create', '--label', `com.docker.compose.project=${stack.project}`, volume]);
    const {stdout} = await stack.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
    await writeFile(join(stdout.trim(), 'file'), 'content');
    const refused = await run(['backup', 'uploads'], {UPLOADS_VOLUME: volume});
    expect(refused.exitCode).toBe(1);
    expect(refused.json().error).toMatchObject({
      kind: 'volume',
      message: `the volume ${volume} is not mounted by any container`,
      next: expect.stringMatching(/UPLOADS_VOLUME.*--allow-empty/),
    });
    const allowed = await run(['backup', 'uploads', '--allow-empty'], {UPLOADS_VOLUME: volume});
    expect(allowed.exitCode).toBe(0);
    expect(allowed.json().warnings).toEqual([`the volume ${volume} is not mounted by any container`]);
    const [uploads] = allowed.json().snapshots;
    expect((await plainRestic(stack, ['ls', uploads.id])).split('\n')).toContain('/file');
  });

  test('a project that does not exist is an error that names those that do', async () => {
    const result = await run(['backup', 'db'], {COMPOSE_PROJECT_NAME: 'nobody'});
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject({kind: 'container', message: expect.stringContaining(stack.project), next: expect.stringContaining('COMPOSE_PROJECT_NAME')});
  });

  test('POSTGRES_CONTAINER and UPLOADS_VOLUME find what the labels do not', async () => {
    const result = await run(['backup'], {COMPOSE_PROJECT_NAME: 'nobody', POSTGRES_CONTAINER: stack.postgres, UPLOADS_VOLUME: stack.uploadsVolume ?? ''});
    expect(result.exitCode).toBe(0);
    expect(result.json().state).toBe('complete');
    const wrong = await run(['backup', 'db'], {POSTGRES_CONTAINER: 'nobody'});
    expect(wrong.exitCode).toBe(1);
    expect(wrong.json().error).toMatchObject({kind: 'container', message: expect.stringContaining('there is no container nobody'), next: expect.stringContaining('docker ps -a')});
  });

  test('with Docker on another host the database can be saved and the uploads cannot', async () => {
    const proxy = await overTcp(stack.bench.dockerHost);
    try {
      const env = {DOCKER_HOST: proxy.dockerHost};
      // A port of this host leads to this host's engine as long as that has this host's name.
      expectExit(await run(['backup', 'uploads'], env), 0);
      const elsewhere = (args: string[]) => timetiles([...args, '--json'], {stack, env, hostName: 'elsewhere'});
      for (const args of [['backup'], ['backup', 'uploads']]) {
        const refused = await elsewhere(args);
        expect(refused.exitCode).toBe(1);
        expect(refused.json().error).toMatchObject({
          kind: 'volume',
          message: `Docker runs on another host (${proxy.dockerHost}); its files cannot be read from here`,
          next: expect.stringContaining('timetiles backup db'),
        });
      }
      const db = await elsewhere(['backup', 'db']);
      expect(db.exitCode).toBe(0);
      expect(await plainRestic(stack, ['dump', db.json().snapshots[0].id, '/database.sql'])).toContain('COPY public.proof');
    } finally {
      proxy.close();
    }
  });

  test('a container that is stopped is an error before anything is stored', async () => {
    await stack.docker(['stop', '--time', '5', stack.postgres]);
    const result = await run(['backup']);
    await stack.docker(['start', stack.postgres]);
    await stack.waitHealthy();
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject({kind: 'container', message: `the container ${stack.postgres} is exited`, next: `Start it: docker start ${stack.postgres}`});
  });
});

describe('a stack with awkward names, variables of the kartoza images and a directory of the host', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack(useBench(), {...awkwardNames, environment: 'kartoza', uploads: 'directory', heartbeat: false});
    await stack.psql('create table proof as select generate_series(1, 10) as n');
    await writeFile(join(stack.uploadsPath, 'photo'), 'content');
    await stack.writeConfig();
  });
  afterAll(() => stack.stop());

  test('is found and saved without further configuration, and tells no password', async () => {
    const result = await timetiles(['backup', '--json'], {stack, env: {TIMETILES_DEBUG: '1'}});
    expect(result.exitCode).toBe(0);
    const [db, uploads] = result.json().snapshots;
    const to = join(stack.scratch, 'own.sql');
    const own = await stack.pgDump({heartbeat: true, to});
    const stored = withoutToken(await plainRestic(stack, ['dump', db.id, '/database.sql']));
    expect(Buffer.byteLength(stored)).toBe(own.bytes);
    expect((await plainRestic(stack, ['ls', uploads.id])).split('\n')).toContain('/photo');
    expect(`${result.stdout}${result.stderr}`).not.toContain(awkwardNames.dbPassword);
  });

  test('a directory that is not there is an error', async () => {
    const env = {UPLOAD_HOST_DIR: join(stack.scratch, 'missing')};
    const result = await timetiles(['backup', 'uploads', '--json'], {stack, env});
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject({kind: 'volume', message: expect.stringContaining(`no directory ${env.UPLOAD_HOST_DIR} on this host`)});
  });

  test('a wrong password is told with what to set, and not shown', async () => {
    const env = {DB_PASSWORD: 'wrong secret'};
    const result = await timetiles(['backup', 'db', '--json'], {stack, env});
    expect(result.exitCode).toBe(1);
    expect(result.json().error).toMatchObject({kind: 'database', message: expect.stringContaining('refuses the login'), next: expect.stringContaining('DB_PASSWORD')});
    expect(`${result.stdout}${result.stderr}`).not.toContain(env.DB_PASSWORD);
  });

  test('an emptied directory counts like an emptied volume', async () => {
    await rm(join(stack.uploadsPath, 'photo'));
    const result = await timetiles(['backup', 'uploads', '--json'], {stack});
    expect(result.exitCode).toBe(1);
    expect(result.json().error.message).toBe(`the directory ${stack.uploadsPath} is empty, but the last backup of it has 1 file`);
  });
});
