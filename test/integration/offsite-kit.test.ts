import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {expectExit, timetiles, toolEnvironment, type TimetilesResult} from '../support/cli.ts';
import {dotenvText} from '../support/dotenv.ts';
import {offsiteConfig, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import {checkout} from '../support/paths.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import type {Bucket, KeyKind} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, type Stack, startStack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {changeStack, fillStack, stateOf} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const password = 'a bench password';

let stack: Stack;
let place: OffsitePlace;
let bucket: Bucket;
let proxy: S3Proxy;

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  place = await startOffsitePlace(useBench());
  ({bucket, proxy} = place);
  await stack.writeConfig();
  await fillStack(stack, {rows: 2000, files: 20});
});
afterAll(async () => {
  await place?.stop();
  await stack?.stop();
});

function as(kind: KeyKind, args: string[], where: Bucket = bucket): Promise<TimetilesResult> {
  return timetiles(args, {stack, env: offsiteConfig(proxy.endpoint, where, kind)});
}

async function told(kind: KeyKind, args: string[], where?: Bucket): Promise<ReturnType<TimetilesResult['json']>> {
  const result = await as(kind, [...args, '--json'], where);
  expectExit(result, 0);
  return result.json();
}

/** The commands of one chapter of a kit: its paragraphs that are not words. */
function commandsOf(kit: string, chapter: number): string {
  const begin = kit.indexOf(`\n${chapter}. `);
  const paragraphs = kit.slice(begin, kit.indexOf(`\n${chapter + 1}. `)).split('\n\n').slice(1);
  return paragraphs.filter((paragraph) => !paragraph.startsWith('Snapshots of one backup')).join('\n');
}

describe('the emergency kit', () => {
  let kit: string;
  let set: string;

  beforeAll(async () => {
    ({set} = await told('put', ['backup', '--offsite']));
    kit = (await as('put', ['offsite', 'kit'])).stdout;
  });

  test('holds no secret', async () => {
    const json = JSON.stringify(await told('put', ['offsite', 'kit']));
    const qr = (await as('put', ['offsite', 'kit', '--qr'])).stdout;
    expect(kit).toContain(bucket.keys.put.accessKeyId);
    for (const text of [kit, json, qr]) for (const secret of [bucket.keys.put.secretAccessKey, password]) expect(text).not.toContain(secret);
  });

  test('is exact, even where a weak password is one of its words', async () => {
    const weak = await timetiles(['offsite', 'kit'], {stack, env: {...offsiteConfig(proxy.endpoint, bucket, 'put'), DB_PASSWORD: 'timetiles', EMAIL_SMTP_PASS: 'backups'}});
    const withoutTime = (text: string) => text.replace(/^Made .*$/m, '');
    expect(withoutTime(weak.stdout)).toBe(withoutTime(kit));
  });

  test('brings everything back on another machine, by its own commands', async () => {
    const before = await stateOf(stack);
    await changeStack(stack, 'lost');
    const home = join(stack.scratch, 'other machine');
    await mkdir(home, {mode: 0o700});
    await writeFile(join(home, 'bootstrap.conf'), dotenvText({RESTIC_REPOSITORY: join(home, 'repository')}), {mode: 0o600});
    const ids = Object.fromEntries((await plainSnapshots(stack)).flatMap(({id, tags}) => (tags.includes(`set:${set}`) ? [[tags[2] ?? '', id]] : [])));
    // What a person fills in or types, and the programs of a machine that has timetiles and PostgreSQL.
    const filledIn = [commandsOf(kit, 3), commandsOf(kit, 4), commandsOf(kit, 5)]
      .join('\n')
      .replace('ID OF THE READING KEY', bucket.keys.read.accessKeyId)
      .replace('ID_OF_MANIFEST', ids['manifest'] ?? '')
      .replace('ID_OF_UPLOADS', ids['uploads'] ?? '')
      .replace('ID_OF_DB', ids['db'] ?? '')
      .replace('/srv/restored-uploads', `'${join(home, 'uploads')}'`)
      .replaceAll('NEW_DATABASE', 'from_kit');
    const script = [
      `timetiles() { '${process.execPath}' '${join(checkout, 'bin', 'run.js')}' "$@" --replace --yes --no-safety-backup </dev/null; }`,
      `createdb() { docker exec --env PGPASSWORD '${stack.postgres}' createdb --username '${stack.user}' "$@"; }`,
      `psql() { docker exec --interactive --env PGPASSWORD '${stack.postgres}' psql --quiet --username '${stack.user}' "$@"; }`,
      filledIn,
    ].join('\n');
    const result = await execa('bash', ['-eu', '-c', script], {
      env: toolEnvironment({stack, env: {TIMETILES_HOME: home, PGPASSWORD: stack.password}}),
      extendEnv: false,
      input: `${password}\n${bucket.keys.read.secretAccessKey}\n`,
      reject: false,
    });
    expect(result.exitCode, result.stdout + result.stderr).toBe(0);
    expect(result.stdout).toContain(`"set": "${set}"`);
    expect(await stateOf(stack)).toEqual(before);
    expect(await stack.psql('select count(*) from numbers', {database: 'from_kit'})).toBe('2000');
    await stack.psql('drop database from_kit');
    const {stdout: marker} = await execa('find', [join(home, 'uploads'), '-name', 'marker']);
    expect(await readFile(marker, 'utf8')).toBe('first');
    await rm(dirname(marker), {recursive: true});
  });

  test('at full rights is about the repository that restic made, and puts no foreign keys there', async () => {
    const other = await place.gateway.makeBucket();
    await told('full', ['backup', '--offsite'], other);
    const {text, offsite} = await told('full', ['offsite', 'kit'], other);
    expect(offsite).toMatchObject({level: 'read-write'});
    expect(text).toContain(`export RESTIC_REPOSITORY=s3:${proxy.endpoint}/${other.name}/backups\n`);
    expect(text).toContain('They are those of the local repository; the offsite one has its own.');
    expect(text).not.toContain('put-object');
  });
});

describe('kit --check, at a keyboard', () => {
  test.each([
    ['put', 'right', /opens the offsite copy s3:\S+ its key files are the same as here/],
    ['put', 'wrong', /the password does not open the repository/],
    ['read', 'right', /opens the offsite repository s3:\S+\/[0-9a-f]{64}\/\d{8}T/],
    ['read', 'wrong', /the password does not open the repository/],
  ] as const)('with a key to %s and the %s password', async (kind, typed, says) => {
    // The password is what is typed, not what is configured.
    const env = {...offsiteConfig(proxy.endpoint, bucket, kind), RESTIC_PASSWORD: 'another one'};
    const known = typed === 'right' ? password : 'another one';
    const terminal = await openTerminal(['offsite', 'kit', '--check'], {stack, env});
    try {
      await terminal.waitFor('The repository password');
      await terminal.type(known);
      await terminal.press('Enter');
      expect(await terminal.exitCode()).toBe(typed === 'right' ? 0 : 1);
      const screen = await terminal.screen();
      expect(screen.replaceAll('\n', ' ')).toMatch(says);
      expect(screen).not.toContain(known);
    } finally {
      await terminal.close();
    }
  });

  test('without a terminal it says that it wants one', async () => {
    expect(await as('put', ['offsite', 'kit', '--check'])).toMatchObject({exitCode: 2, stderr: expect.stringContaining('there is no terminal to type the password on')});
  });
});

const sentences = {
  cannotRead: 'A thief with this key could not read them.',
  couldCopy: 'could copy the backups, which are encrypted',
  overwrites: 'DANGER: the thief could overwrite every backup with garbage, and nothing of it would be left.',
  overwritesVersioned: 'could put garbage in the place of every backup; the bucket has versions',
  keeps: 'The thief could not delete a backup.',
  deletes: 'DANGER: the thief could delete every backup, and nothing of it would be left.',
  deletesVersions: 'DANGER: the thief could delete every backup for good, old versions too.',
  stays: 'stays there, a few bytes that no backup needs',
};
type Sentence = keyof typeof sentences;

describe('probe --prove says what is true', () => {
  test.each<[KeyKind, boolean, Sentence[]]>([
    ['put', false, ['cannotRead', 'overwrites', 'keeps', 'stays']],
    ['put', true, ['cannotRead', 'overwritesVersioned', 'keeps', 'stays']],
    ['append', false, ['couldCopy', 'overwrites', 'keeps', 'stays']],
    ['append', true, ['couldCopy', 'overwritesVersioned', 'keeps', 'stays']],
    ['full', false, ['couldCopy', 'overwrites', 'deletes']],
    ['full', true, ['couldCopy', 'overwritesVersioned', 'deletesVersions']],
  ])('of a key to %s in a bucket with versions (%s)', async (kind, versioned, expected) => {
    const probed = await place.gateway.makeBucket({versioned});
    const {stdout, exitCode} = await as(kind, ['offsite', 'probe', '--prove'], probed);
    expect(exitCode).toBe(0);
    expect(Object.entries(sentences).flatMap(([name, text]) => (stdout.includes(text) ? [name] : []))).toEqual(expected);
    // And so the bucket says: what was first written, and what is there now.
    const contents = await Promise.all((await probed.versions()).filter(({isDeleteMarker}) => !isDeleteMarker).map(async ({key, versionId}) => (await probed.get(key, versionId)).toString()));
    const listed = await probed.list();
    expect(contents.includes('canary\n')).toBe(versioned && kind !== 'full');
    expect(listed).toHaveLength(kind === 'full' ? 0 : 1);
    for (const {key} of listed) {
      expect(key).toMatch(/^backups\/timetiles-canary-/);
      expect(stdout).toContain(key);
      expect((await probed.get(key)).toString()).toBe('overwritten\n');
    }
  });

  test('of a key that can only read: no backup can be made with it', async () => {
    const probed = await place.gateway.makeBucket();
    expect((await as('read', ['offsite', 'probe', '--prove'], probed)).stdout).toContain('with this key no backup can be made');
    expect(await probed.list()).toEqual([]);
  });
});
