import {existsSync, readdirSync, statSync} from 'node:fs';
import {mkdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {filesOfKind} from '../support/bit-flips.ts';
import {offsiteConfig, startOffsitePlace, type OffsitePlace} from '../support/offsite.ts';
import {chapters, failed, followChapter, type PageRun, type Reader} from '../support/recovery-page.ts';
import type {Bucket} from '../support/s3-bucket.ts';
import type {S3Proxy} from '../support/s3-proxy.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {openTerminal} from '../support/terminal.ts';
import {listTree} from '../support/tree.ts';
import {backUp, fillStack, stateOf, type State} from '../support/two-states.ts';
import {useBench} from '../support/use-bench.ts';

const password = 'a bench password';

let stack: Stack;
let place: OffsitePlace;
let bucket: Bucket;
let proxy: S3Proxy;
let good: State;
let set: string;
const followed = new Set<string>();

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false});
  await makeCheapRepository(stack);
  place = await startOffsitePlace(useBench());
  ({bucket, proxy} = place);
  await stack.writeConfig(offsiteConfig(proxy.endpoint, bucket, 'put'));
  await fillStack(stack, {rows: 2000, files: 20});
  ({set} = await backUp(stack, 'newest', ['--offsite']));
  good = await stateOf(stack);
});
afterAll(async () => {
  await place?.stop();
  await stack?.stop();
});

/** Follows a chapter of the page; a later test demands that each has been. */
async function follow(chapter: string, reader: Omit<Reader, 'stack'> & {stack?: Stack} = {}): Promise<PageRun> {
  followed.add(chapter);
  return followChapter(chapter, {stack, ...reader});
}

/** What the page asks of somebody who has the kit, a reading key and the password. */
function reading(): {values: string[]; answers: string[]; url: string} {
  const {AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '', RESTIC_OFFSITE_REPOSITORY: url = ''} = offsiteConfig(proxy.endpoint, bucket, 'read');
  return {values: [id], answers: [secret, password], url};
}

/** The server is gone: no container, no volume, no installation. What is left of the stack is its name. */
async function loseEverything(): Promise<{TIMETILES_HOME: string}> {
  await stack.docker(['rm', '--force', '--volumes', stack.postgres, ...stack.web]);
  const {stdout} = await stack.docker(['volume', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${stack.project}`]);
  await stack.docker(['volume', 'rm', ...stdout.trim().split('\n')]);
  const home = join(stack.scratch, `bare-${process.hrtime.bigint()}`);
  await mkdir(home, {mode: 0o700});
  return {TIMETILES_HOME: home};
}

describe('docs/recovery.md, as it is written', () => {
  it('The repository is damaged', async () => {
    const packs = filesOfKind(stack.repository, 'data').toSorted((a, b) => statSync(b).size - statSync(a).size);
    // The largest holds the dump, which is never the same twice; the next one the files.
    await rm(packs[1] ?? '');
    const {values, answers} = reading();
    const {ran, output} = await follow('The repository is damaged', {values, answers});
    const codes = ran.map(({command, exitCode}) => [command.replace(/ --target .*/, ''), exitCode]).filter(([, code]) => code !== 0);
    expect(codes, output).toEqual([['timetiles backup verify --read-data', 1], ['timetiles restore latest --best-effort', 3], ['timetiles backup', 3]]);
    expect(existsSync(join(stack.scratch, 'srv/offsite-look/database.sql'))).toBe(true);
    expect(readdirSync(join(stack.scratch, 'srv/rescued')).length).toBeGreaterThan(0);
  });

  it('The database is wrecked', async () => {
    await stack.psql('delete from numbers where id > 10; drop table marker');
    const wrecked = await stateOf(stack);
    expect(failed(await follow('The database is wrecked', {blocks: [0, 1, 2]}))).toEqual([]);
    expect(await stateOf(stack)).toEqual(good);
    expect(failed(await follow('The database is wrecked', {blocks: [3]}))).toEqual([]);
    expect(await stateOf(stack)).toEqual(wrecked);
    expect(failed(await follow('The database is wrecked', {blocks: [2]}))).toEqual([]);
    expect(await stateOf(stack)).toEqual(good);
  });

  it('One file is lost', async () => {
    const run = await follow('One file is lost');
    expect(failed(run)).toEqual([]);
    expect(run.output).toMatch(/timetiles restore \S+ --only uploads --path=small\/0000\/photo-7\.jpg --target/);
  });

  it('The offsite key is gone', async () => {
    await stack.writeConfig({...offsiteConfig(proxy.endpoint, bucket, 'put'), AWS_ACCESS_KEY_ID: 'REVOKED'});
    const key = bucket.keys.put;
    const {ran, output} = await follow('The offsite key is gone', {values: [key.accessKeyId, key.secretAccessKey]});
    expect(ran[0]).toMatchObject({command: 'timetiles offsite probe', exitCode: 1});
    expect(failed({ran: ran.slice(1), output})).toEqual([]);
  });

  it('Without timetiles', async () => {
    expect(failed(await follow('Without timetiles', {values: [set], answers: [password]}))).toEqual([]);
    expect(await listTree(join(stack.scratch, 'srv/uploads'))).toContain('photo-7.jpg');
    expect(statSync(join(stack.scratch, 'srv/database.sql')).size).toBeGreaterThan(100_000);
  });

  it('The password is lost', async () => {
    const terminal = await openTerminal(['offsite', 'kit', '--check'], {stack});
    await terminal.waitFor('The repository password');
    await terminal.type(password);
    await terminal.press('Enter');
    await terminal.waitFor('opens');
    await terminal.close();
    // Without a terminal to type on, this one command says so.
    const {ran, output} = await follow('The password is lost');
    expect(failed({ran: ran.filter(({command}) => command !== 'timetiles offsite kit --check'), output})).toEqual([]);
  });

  it('The server is dead', async () => {
    const env = await loseEverything();
    const changed = /^RESTIC_PASSWORD="(.*)"$/m.exec(await readFile(join(stack.home, 'bootstrap.conf'), 'utf8'))?.[1];
    expect(failed(await follow('The server is dead', {env: {...env, RESTIC_PASSWORD: changed}, blocks: [1]}))).toEqual([]);
    const {values, answers, url} = reading();
    expect(failed(await follow('The server is dead', {values: [url, ...values], answers, env, blocks: [0]}))).toEqual([]);
    expect(await stateOf(stack)).toEqual(good);
  });

  it('Ransomware', async () => {
    const env = await loseEverything();
    const {values, answers, url} = reading();
    expect(failed(await follow('Ransomware', {values: [url, ...values, set], answers, env}))).toEqual([]);
    expect(await stateOf(stack)).toEqual(good);
  });

  it('PostgreSQL gets a new major version', async () => {
    const old = await startStack(useBench(), {postgresImage: 'postgres15', heartbeat: false});
    const young = await startStack(useBench(), {heartbeat: false});
    try {
      await makeCheapRepository(old);
      await old.writeConfig();
      await fillStack(old, {rows: 1000, files: 20});
      await old.psql(`create role reader login; grant select on numbers to reader; alter database timetiles set work_mem to '6MB'; create sequence tickets start 41; select nextval('tickets')`);
      expect(failed(await follow('PostgreSQL gets a new major version', {stack: old, blocks: [0]}))).toEqual([]);
      await young.writeConfig({RESTIC_REPOSITORY: old.repository});
      expect(failed(await follow('PostgreSQL gets a new major version', {stack: young, blocks: [1]}))).toEqual([]);

      const content = async (of: Stack) => [
        await of.psql(`select md5(string_agg(n::text, ',' order by id)) from numbers n`),
        await of.psql(`select has_table_privilege('reader', 'numbers', 'select'), current_setting('work_mem'), nextval('tickets')`),
      ];
      expect(await content(young)).toEqual(await content(old));
      expect([await old.psql('show server_version_num'), await young.psql('show server_version_num')]).toEqual([expect.stringMatching(/^15/), expect.stringMatching(/^17/)]);
    } finally {
      await young.stop();
      await old.stop();
    }
  });

  it('has no chapter that was not followed', async () => {
    expect([...followed].toSorted()).toEqual((await chapters()).toSorted());
  });
});
