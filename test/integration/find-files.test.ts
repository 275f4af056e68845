import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {timetiles} from '../support/cli.ts';
import {imageFor} from '../support/images.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {useBench} from '../support/use-bench.ts';

describe('the files of a project, and a project that has no files or nothing else', () => {
  let stack: Stack;
  const run = (args: string[], env: Record<string, string> = {}) => timetiles([...args, '--json'], {stack, env});
  const repository = async (name: string) => {
    const path = join(stack.scratch, name);
    await makeCheapRepository(stack, {repository: path});
    return {RESTIC_REPOSITORY: path};
  };
  const start = async (service: string, more: string[]) => {
    const labels = ['--label', `com.docker.compose.project=${stack.project}`, '--label', `com.docker.compose.service=${service}`];
    await stack.docker(['run', '--detach', '--name', `${stack.project}-${service}-1`, '--network', 'none', '--no-healthcheck', '--stop-timeout', '1', ...labels, ...more, '--entrypoint', 'sleep', await imageFor(useBench().dockerHost, 'web'), 'infinity']);
  };
  const remove = (service: string) => stack.docker(['rm', '--force', '--volumes', `${stack.project}-${service}-1`]);

  beforeAll(async () => {
    stack = await startStack(useBench(), {uploads: 'directory', heartbeat: false});
    await makeCheapRepository(stack);
    await stack.writeConfig({UPLOAD_HOST_DIR: undefined});
    await stack.psql('create table goods as select generate_series(1, 10) as n');
    await writeFile(join(stack.uploadsPath, 'one'), '1');
  });
  afterAll(() => stack?.stop());

  test('are restored where they were when their place is gone: a directory that is still mounted, one that is named, a volume', async () => {
    const {set} = (await run(['backup'])).json();
    const web = `${stack.project}-web-1`;
    const seen = async () => (await stack.docker(['exec', web, 'cat', '/app/uploads/one'])).stdout;
    await rm(stack.uploadsPath, {recursive: true});
    await stack.psql('truncate goods');
    const refused = await run(['backup']);
    expect(refused.exitCode).toBe(1);
    expect(refused.json().error).toMatchObject({message: expect.stringContaining(`the directory ${stack.uploadsPath} of`), next: expect.stringContaining('timetiles restore latest --only uploads')});
    const plan = await timetiles(['restore', 'latest', '--dry-run'], {stack});
    expect(plan.exitCode, plan.stderr).toBe(0);
    expect(plan.stdout + plan.stderr).toContain(`makes the directory ${stack.uploadsPath}`);
    const restored = await run(['restore', 'latest', '--yes']);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(restored.json()).toMatchObject({set, restored: ['db', 'uploads'], restarted: [web]});
    expect(await stack.psql('select count(*) from goods')).toBe('10');
    expect(await seen()).toBe('1');

    await rm(stack.uploadsPath, {recursive: true});
    const configured = {UPLOAD_HOST_DIR: stack.uploadsPath};
    expect((await run(['backup'], configured)).json().error).toMatchObject({kind: 'volume', next: expect.stringContaining('timetiles restore latest --only uploads')});
    const again = await run(['restore', set, '--only', 'uploads', '--yes'], configured);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await seen()).toBe('1');

    const volume = `${stack.project}_media`;
    const labels = ['--label', `com.docker.compose.project=${stack.project}`, '--label', 'com.docker.compose.volume=media'];
    await stack.docker(['volume', 'create', ...labels, volume]);
    const named = {...(await repository('volume')), UPLOADS_VOLUME: 'media'};
    await start('app', ['--volume', `${volume}:/srv/media`]);
    await stack.docker(['exec', `${stack.project}-app-1`, 'sh', '-c', 'echo v > /srv/media/two']);
    const {set: ofVolume} = (await run(['backup', 'uploads'], named)).json();
    await remove('app');
    await stack.docker(['volume', 'rm', volume]);
    // The directory is the only one that is left to be found: the configuration and the set say otherwise.
    const fromVolume = await run(['restore', ofVolume, '--yes'], named);
    expect(fromVolume.exitCode, fromVolume.stderr).toBe(0);
    const made = JSON.parse((await stack.docker(['volume', 'inspect', volume])).stdout);
    expect(made[0].Labels).toMatchObject({'com.docker.compose.project': stack.project, 'com.docker.compose.volume': 'media'});
    await start('app', ['--volume', `${volume}:/srv/media`]);
    expect((await stack.docker(['exec', `${stack.project}-app-1`, 'cat', '/srv/media/two'])).stdout).toBe('v\n');
    await remove('app');
    await stack.docker(['volume', 'rm', volume]);
  }, 300_000);

  test('are found by their name, by UPLOAD_DIR, or as the only ones, and asked for where there are several', async () => {
    expect((await run(['backup'])).json()).toMatchObject({state: 'complete', snapshots: [{source: 'db'}, {source: 'uploads'}]});
    const checks: {name: string; message: string}[] = (await run(['doctor'])).json().checks;
    expect(checks.find(({name}) => name === 'uploads')?.message).toBe(`directory ${stack.uploadsPath}`);
    await remove('web');
    const media = join(stack.scratch, 'media');
    await mkdir(join(media, 'deep'), {recursive: true});
    await writeFile(join(media, 'deep', 'two'), '2');
    await start('app', ['--volume', `${media}:/srv/media`, '--volume', `${stack.scratch}/x-logs:/srv/logs`]);
    // The only one now, but not the one that the sets before have.
    const other = await run(['backup']);
    expect(other.json().error).toMatchObject({kind: 'volume', message: expect.stringContaining(`holds the uploads of ${stack.uploadsPath}`)});
    const fresh = await repository('media');
    expect((await run(['backup', 'uploads'], fresh)).json()).toMatchObject({state: 'complete', snapshots: [{source: 'uploads'}]});
    await start('second', ['--volume', `${stack.project}_avatars:/srv/avatars`]);
    const several = await run(['backup', 'uploads'], await repository('several'));
    expect(several.json().error).toMatchObject({kind: 'ambiguous', candidates: [{line: `UPLOAD_HOST_DIR="${media}"`}, {line: `UPLOADS_VOLUME="${stack.project}_avatars"`}, {line: 'BACKUP_SOURCES="db"'}]});
    // What the sets before have stays what it was.
    expect((await run(['backup', 'uploads'], fresh)).json()).toMatchObject({state: 'complete', notes: [expect.stringContaining(`${stack.project}_avatars`)]});
    await start('third', ['--volume', `${media}:/srv/media`, '--env', 'UPLOAD_DIR=/srv/media/deep']);
    const named = await repository('named');
    const made = (await run(['backup', 'uploads'], named)).json();
    const target = join(stack.scratch, 'target');
    expect((await run(['restore', made.set, '--target', target], named)).exitCode).toBe(0);
    expect(await readFile(join(target, 'uploads', 'two'), 'utf8')).toBe('2');
    for (const service of ['app', 'second', 'third']) await remove(service);
  }, 300_000);

  test('a project without files: its database alone is a whole set; but not where earlier sets have files', async () => {
    const refused = await run(['backup']);
    expect(refused.exitCode).toBe(1);
    expect(refused.json().error).toMatchObject({kind: 'volume', message: expect.stringContaining('earlier backups hold uploads, but now the project'), next: expect.stringContaining('BACKUP_SOURCES="db"')});
    // As the backup advises. No container is left that mounts them: the set itself tells where they were.
    await rm(stack.uploadsPath, {recursive: true});
    const restoredFiles = await run(['restore', 'latest', '--only', 'uploads', '--yes']);
    expect(restoredFiles.exitCode, restoredFiles.stderr).toBe(0);
    expect(restoredFiles.json().remarks).toContainEqual(expect.stringContaining(`no container mounts the directory ${stack.uploadsPath} yet`));
    expect(await readFile(join(stack.uploadsPath, 'one'), 'utf8')).toBe('1');
    expect((await run(['backup'], {BACKUP_SOURCES: 'db'})).json()).toMatchObject({state: 'complete', snapshots: [{source: 'db'}]});
    const status = (await run(['backup', 'status'], {BACKUP_SOURCES: 'db', BACKUP_MAX_AGE_HOURS: '1'})).json();
    expect(status.findings.map(({key}: {key: string}) => key)).not.toContain('stale:uploads');

    const alone = await repository('alone');
    const made = await run(['backup'], alone);
    expect(made.exitCode, made.stderr).toBe(0);
    expect(made.json()).toMatchObject({state: 'complete', snapshots: [{source: 'db'}]});
    expect(made.stderr).toContain('BACKUP_SOURCES="db"');
    const doctor = (await run(['doctor'], alone)).json();
    expect(doctor.state).toBe('ok');
    expect(doctor.checks).toContainEqual({name: 'uploads', state: 'ok', message: expect.stringMatching(/^none: the project/)});
    await stack.psql('truncate goods');
    const restored = await run(['restore', 'latest', '--yes'], alone);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(await stack.psql('select count(*) from goods')).toBe('10');
    expect((await run(['backup', 'verify', '--restore-test'], alone)).exitCode).toBe(0);
  }, 300_000);

  test('a project without PostgreSQL: its files alone', async () => {
    await stack.docker(['rm', '--force', stack.postgres]);
    await start('app', ['--volume', `${stack.uploadsPath}:/app/uploads`, '--env', 'POSTGRES_PASSWORD=x', '--env', 'DATABASE_URL=postgres://u:x@elsewhere/db']);
    const gone = await run(['backup']);
    expect(gone.json().error).toMatchObject({kind: 'container', message: expect.stringContaining('earlier backups hold db'), next: expect.stringContaining('BACKUP_SOURCES="uploads"')});
    const alone = await repository('files');
    const made = await run(['backup'], alone);
    expect(made.exitCode, made.stderr).toBe(0);
    expect(made.json()).toMatchObject({state: 'complete', snapshots: [{source: 'uploads'}]});
    await writeFile(join(stack.uploadsPath, 'one'), 'changed');
    const restored = await run(['restore', 'latest', '--yes'], alone);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(await readFile(join(stack.uploadsPath, 'one'), 'utf8')).toBe('1');
    expect((await run(['backup', 'verify', '--restore-test'], alone)).exitCode).toBe(0);
    await remove('app');
  }, 300_000);
});
