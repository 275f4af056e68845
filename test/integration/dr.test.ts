import {randomBytes} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {cp, mkdir, readdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {startBareMachine, type BareMachine} from '../support/bare-machine.ts';
import {expectExit, timetiles, type TimetilesResult} from '../support/cli.ts';
import {leftovers} from '../support/leftovers.ts';
import {epochRoots, offsiteConfig, resticKeys, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import {waitUntil} from '../support/processes.ts';
import {plainRestic} from '../support/plain-restic.ts';
import {storeTampered} from '../support/restore-tests.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {awkwardNames, makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {backUp, changeStack, errorOf, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

let origin: Stack;
let place: OffsitePlace;
let proxy: S3Proxy;
let bucket: Bucket;
let bare: BareMachine;
let source: State;
let set: string;
let uploadsPack: string;

const packsOf = (repository: string) => readdirSync(join(repository, 'data'), {recursive: true, encoding: 'utf8'}).filter((name) => /\/[0-9a-f]{64}$/.test(name));
const password = {RESTIC_PASSWORD: 'a bench password'};
const address = () => offsiteConfig(proxy.endpoint, bucket, 'read')['RESTIC_OFFSITE_REPOSITORY'] ?? '';
const dr = (args: string[], env: Record<string, string | undefined> = {}): Promise<TimetilesResult> => timetiles(['dr', ...args], {stack: bare.stack, env: {...password, ...env}});
const recovered = async (args: string[], env?: Record<string, string>) => {
  const result = await dr([...args, '--yes', '--json'], env);
  expectExit(result, 0);
  return result.json();
};
const fromGateway = (args: string[] = []) => recovered([address(), ...args], resticKeys(bucket, 'read'));

beforeAll(async () => {
  origin = await startStack(useBench(), {heartbeat: false, dbPassword: awkwardNames.dbPassword});
  place = await startOffsitePlace(useBench());
  ({bucket, proxy} = place);
  await origin.writeConfig(offsiteConfig(proxy.endpoint, bucket, 'put'));
  await makeCheapRepository(origin);
  await fillStack(origin);
  await origin.psql(`create role reader login password 'reads'; grant select on numbers to reader;`);
  // Incompressible, so that the largest pack of the second run holds files and no tree.
  await writeFile(join(origin.uploadsPath, 'noise'), randomBytes(2 ** 21));
  source = await stateOf(origin);
  await backUp(origin, 'newest', ['db']);
  const known = packsOf(origin.repository);
  ({set} = await backUp(origin, 'newest', ['--offsite']));
  const added = packsOf(origin.repository).filter((pack) => !known.includes(pack));
  const size = (pack: string) => statSync(join(origin.repository, 'data', pack)).size;
  uploadsPack = added.toSorted((x, y) => size(y) - size(x))[0] ?? '';
  bare = await startBareMachine(origin);
});
afterAll(async () => {
  await bare?.stop();
  await place?.stop();
  await origin?.stop();
});

describe('a bare machine', () => {
  test('without the image of the database is told how to get it', async () => {
    const result = await dr([origin.repository, '--yes', '--json']);
    expect(result.exitCode).toBe(1);
    expect(errorOf(result).next).toMatch(/docker pull timetiles-bench\/postgres:17/);
    expect(await bare.inventory()).toEqual([]);
    await bare.loadImages();
  });

  test('comes back from the gateway with a reading key, and the app logs in with its old password', async () => {
    const defaultRepository = '/opt/timetiles/backups/restic-repo';
    const wasThere = existsSync(defaultRepository);
    const begin = performance.now();
    const report = await fromGateway();
    await bare.startWeb();
    await bare.stack.waitHealthy();
    const seconds = (performance.now() - begin) / 1000;
    expect(report).toMatchObject({state: 'done', set, restored: ['db', 'uploads'], failures: [], safetySet: null});
    for (const {checks} of report.proofs) for (const {state} of checks) expect(state).not.toBe('failed');
    expect(await stateOf(bare.stack)).toEqual(source);
    expect(report.settings).toContain(`COMPOSE_PROJECT_NAME="${origin.project}"`);
    expect(await bare.inventory()).toEqual([`${origin.project}-postgres-1`, `${origin.project}-web-1`, `${origin.project}_postgres`, `${origin.project}_socket`, `${origin.project}_uploads`]);
    const byHand = await secondsByHand();
    console.info(`timetiles dr to a healthy app: ${seconds.toFixed(1)} s (${JSON.stringify(report.times)}); restic restore and psql by hand: ${byHand.toFixed(1)} s`);
    expect(existsSync(defaultRepository)).toBe(wasThere);
  });

  test('with live data is refused, and with --replace saved first', async () => {
    await changeStack(bare.stack, 'lived on');
    const lived = await stateOf(bare.stack);
    const refused = await dr([address(), '--yes', '--json'], resticKeys(bucket, 'read'));
    expect([refused.exitCode, errorOf(refused).kind]).toEqual([1, 'restore']);
    expect(errorOf(refused).message).toContain('live data');
    expect(errorOf(refused).next).toContain('--replace');
    const shown = await dr([address(), '--dry-run'], resticKeys(bucket, 'read'));
    expectExit(shown, 0);
    expect(shown.stdout).toMatch(/holds live data: .*\n.*without --replace[^]*Nothing was changed/);
    expect(await stateOf(bare.stack)).toEqual(lived);
    const env = {...resticKeys(bucket, 'read'), RESTIC_REPOSITORY: bare.stack.repository};
    const report = await recovered([address(), '--replace'], env);
    expect(report).toMatchObject({state: 'done', safetySet: expect.any(String), restarted: [`${origin.project}-web-1`]});
    expect(await stateOf(bare.stack)).toEqual(source);
    // The repository that lies here by now holds the safety set alone, which is not what the address stands for.
    expect(await recovered([address(), '--replace', '--dry-run'], env)).toMatchObject({state: 'planned', set});
    const back = await recovered([bare.stack.repository, '--set', report.safetySet, '--replace', '--no-safety-backup']);
    expect(back).toMatchObject({state: 'done', safetySet: null});
    expect(await stateOf(bare.stack)).toEqual(lived);
    expect(await leftovers(bare.stack)).toEqual([]);
  });
});

/** As one would without this tool: a server made by hand, psql from a pipe, restic restore. */
async function secondsByHand(): Promise<number> {
  const [root = ''] = await epochRoots(bucket);
  const env = {...resticKeys(bucket, 'read'), ...password, RESTIC_REPOSITORY: `s3:${proxy.endpoint}/${bucket.name}/${root}`, HOME: bare.stack.userHome, PATH: process.env['PATH'] ?? ''};
  const restic = bare.stack.bench.restic.newest;
  const begin = performance.now();
  const name = 'by-hand';
  const {stdout: image} = await bare.stack.docker(['inspect', '--format', '{{.Config.Image}}', bare.stack.postgres]);
  await bare.stack.docker(['run', '--detach', '--name', name, '--network', 'none', '--env', 'POSTGRES_PASSWORD=x', '--env', 'POSTGRES_USER=timetiles', image.trim()]);
  const psql = ['exec', '--interactive', '--env', 'PGUSER=timetiles', '--env', 'PGPASSWORD=x', name, 'psql', '-q', '-o', '/dev/null'];
  await waitUntil(async () => (await bare.stack.docker([...psql, '-c', 'select 1'], {mayFail: true})).exitCode === 0, 60_000, 200);
  const script = '"$RESTIC" --no-lock dump --tag db latest /database.sql | docker "$@"';
  await execa('bash', ['-o', 'pipefail', '-c', script, 'bash', ...psql], {env: {...env, RESTIC: restic, DOCKER_HOST: bare.stack.bench.dockerHost}});
  await execa(restic, ['--no-lock', 'restore', '--tag', 'uploads', 'latest', '--target', join(bare.stack.scratch, 'by-hand')], {env});
  await bare.stack.docker(['rm', '--force', '--volumes', name]);
  return (performance.now() - begin) / 1000;
}

describe('from a local path', () => {
  beforeEach(() => bare.wipe());

  test('the digests are the same, the old host is this one, and a dry run touches nothing', async () => {
    const dry = await recovered([origin.repository, '--dry-run']);
    expect(dry).toMatchObject({state: 'planned', set, live: [], missing: expect.arrayContaining([`makes the volume ${origin.project}_uploads`])});
    expect(await bare.inventory()).toEqual([]);
    expect(existsSync(join(bare.stack.home, 'state', 'dr.lock'))).toBe(false);
    const disk = join(bare.stack.scratch, 'disk');
    await cp(origin.repository, disk, {recursive: true});
    const report = await recovered([disk]);
    expect(report.settings).toContain(`RESTIC_REPOSITORY="${disk}"`);
    expect(await stateOf(bare.stack)).toEqual(source);
    expect(JSON.parse(readFileSync(join(bare.stack.home, 'state', 'hosts.json'), 'utf8'))).toContain(report.host);
    // The tool can go on at once, with the settings as they were printed.
    await writeFile(join(bare.stack.home, 'bootstrap.conf'), [...report.settings, 'RESTIC_PASSWORD="a bench password"', ''].join('\n'), {mode: 0o600});
    await bare.startWeb();
    expectExit(await timetiles(['backup'], {stack: bare.stack}), 0);
    expectExit(await timetiles(['backup', 'prune'], {stack: bare.stack}), 0);
  });

  test('a container and a volume that are there already are used, under another project name too', async () => {
    const project = `other${origin.project}`;
    await bare.stack.docker(['volume', 'create', '--label', `com.docker.compose.project=${project}`, '--label', 'com.docker.compose.volume=uploads', `${project}_files`]);
    const {stdout: image} = await bare.stack.docker(['images', '--format', '{{.Repository}}:{{.Tag}}', 'timetiles-bench/postgres']);
    await bare.stack.docker([
      'create', '--name', `${project}-postgres-1`, '--network', 'none', '--label', `com.docker.compose.project=${project}`, '--label', 'com.docker.compose.service=postgres',
      '--env', `POSTGRES_USER=${origin.user}`, '--env', 'POSTGRES_PASSWORD=new', '--env', `POSTGRES_DB=${origin.database}`, image.trim(),
    ]);
    const report = await recovered([origin.repository, '--project', project]);
    expect(report).toMatchObject({state: 'done', made: [`starts the container ${project}-postgres-1, which is created`]});
    expect(report.settings).toContain(`UPLOADS_VOLUME="${project}_files"`);
  });

  test('a set that knows no passwords, with the app\'s user in the configuration: that one has the configured password, the others are named', async () => {
    const made = {state: 'complete', set, snapshots: JSON.parse(await plainRestic(origin, ['snapshots', '--json', '--tag', `set:${set},db`])).map(({id}: {id: string}) => ({source: 'db', id}))};
    const id = await storeTampered(origin, made, '20250101T000000Z-bbbb', {
      record(record) {
        for (const role of record.details.roles) role.password = null;
      },
    });
    const report = await recovered([origin.repository, '--set', id], {DB_USER: origin.user, DB_PASSWORD: "the app's own"});
    expect(report).toMatchObject({state: 'done', restored: ['db']});
    expect(report.remarks).toEqual([expect.stringMatching(/^db: the set knows no password of the 1 role reader: nobody can log in/)]);
    const login = ['exec', '--env', `PGUSER=${origin.user}`, '--env', "PGPASSWORD=the app's own", '--env', `PGDATABASE=${origin.database}`, bare.stack.postgres, 'psql', '-Atc', 'select current_user'];
    expect((await bare.stack.docker(login)).stdout.trim()).toBe(origin.user);
  });

  test('one damaged source does not stop the other, and the exit code tells', async () => {
    const copy = join(bare.stack.scratch, 'damaged');
    await cp(origin.repository, copy, {recursive: true});
    await rm(join(copy, 'data', uploadsPack));
    const result = await dr([copy, '--yes', '--json']);
    expectExit(result, 1);
    expect(result.json()).toMatchObject({state: 'failed', restored: ['db'], failures: [{source: 'uploads', message: expect.any(String)}]});
    expect((await stateOf(bare.stack)).db).toBe(source.db);
    expect(await readdir(bare.stack.uploadsPath)).toEqual([]);
    expect(await leftovers(bare.stack)).toEqual([]);
    await rm(copy, {recursive: true});
    // What is missing is then brought back alone.
    expect(await recovered([origin.repository, '--only', 'uploads'])).toMatchObject({state: 'done', restored: ['uploads']});
    expect(await stateOf(bare.stack)).toEqual(source);
  });
});

describe('what it cannot do, it says', () => {
  beforeEach(() => bare.wipe());

  test.each<[string, () => string[], Record<string, string>, [number, string], RegExp]>([
    ['a wrong password', () => [origin.repository], {RESTIC_PASSWORD: 'wrong'}, [1, 'repository-password'], /password/],
    ['no password', () => [origin.repository], {RESTIC_PASSWORD: ''}, [2, 'configuration'], /RESTIC_PASSWORD/],
    ['no repository', () => [], {RESTIC_REPOSITORY: '/nowhere'}, [1, 'repository-missing'], /timetiles dr/],
    ['no such host', () => [origin.repository, '--host', 'nobody'], {}, [1, 'not-found'], /--host/],
  ])('%s', async (_, args, env, [exitCode, kind], next) => {
    const result = await dr([...args(), '--yes', '--json'], env);
    expect([result.exitCode, errorOf(result).kind]).toEqual([exitCode, kind]);
    expect(errorOf(result).next).toMatch(next);
    expect(await bare.inventory()).toEqual([]);
  });

  test('several hosts in one repository', async () => {
    const copy = join(bare.stack.scratch, 'two-hosts');
    await cp(origin.repository, copy, {recursive: true});
    const {hostname} = await backUpAs(copy, 'second-host');
    const result = await dr([copy, '--yes', '--json']);
    expect([result.exitCode, errorOf(result).kind]).toEqual([2, 'usage']);
    for (const host of ['second-host', hostname]) expect(errorOf(result).message).toContain(host);
    expect(await recovered([copy, '--host', hostname, '--dry-run'])).toMatchObject({host: hostname, set});
    await rm(copy, {recursive: true});
  });

  test('a data volume that another server has filled', async () => {
    const volume = `${origin.project}_postgres`;
    await bare.stack.docker(['volume', 'create', volume]);
    const {stdout} = await bare.stack.docker(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
    await writeFile(join(stdout.trim(), 'PG_VERSION'), '17');
    const result = await dr([origin.repository, '--replace', '--yes', '--json']);
    expect(result.exitCode).toBe(1);
    expect(errorOf(result).message).toContain(volume);
    expect(await bare.inventory()).toEqual([volume]);
  });
});

/** A set of another host, as far as its first snapshot. */
async function backUpAs(repository: string, host: string): Promise<{hostname: string}> {
  const directory = join(bare.stack.scratch, 'of another host');
  await mkdir(directory, {recursive: true});
  const env = {...password, RESTIC_REPOSITORY: repository, HOME: bare.stack.userHome, PATH: process.env['PATH'] ?? ''};
  const restic = origin.bench.restic.newest;
  const {stdout} = await execa(restic, ['snapshots', '--json', '--tag', 'manifest'], {env});
  await execa(restic, ['backup', '--quiet', '--host', host, '--tag', 'timetiles,set:20260101T000000Z-aaaa,uploads', directory], {env});
  return JSON.parse(stdout)[0];
}
