import {mkdirSync, writeFileSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {manifestTags, sourceTags} from '../../src/operations/sets.ts';
import {toolEnvironment} from '../support/cli.ts';
import {checkout} from '../support/paths.ts';
import {openMasterKey, writeSnapshot} from '../support/restic-crypto.ts';
import type {Stack} from '../support/stack.ts';
import {bareRepository} from './bare-repository.ts';
import {compare} from './contest.ts';
import {measure} from './measure.ts';
import {scaled} from './size.ts';

const program = join(checkout, 'bin/run.js');
const password = 'a bench password';
const sets = scaled(1000);
const rounds = 7;

/** What a night costs beyond its data, and what looking at many nights costs. */
export async function benchNights(stack: Stack): Promise<void> {
  const env = {...toolEnvironment({stack}), RESTIC_REPOSITORY: stack.repository, RESTIC_PASSWORD: password, PGPASSWORD: stack.password, PGUSER: stack.user, PGDATABASE: stack.database};
  const tool = (...args: string[]) => measure({file: process.execPath, args: [program, 'backup', ...args], env});
  await stack.psql('create table numbers as select generate_series(1, 1000) as n');
  writeFileSync(join(stack.uploadsPath, 'photo.jpg'), 'a photo');
  await initialise(stack, env);
  const bareEnv = await bareRepository(stack, env);
  await tool('--quiet');
  const dump = `docker exec --env PGPASSWORD --env PGUSER --env PGDATABASE ${stack.postgres} pg_dump | restic backup --quiet --stdin --stdin-filename /database.sql`;
  await compare('the fixed cost of a night: `backup` of next to nothing against dump and uploads, each piped into its own `restic backup`', 2, rounds, {
    bare: () => measure({file: 'bash', args: ['-o', 'pipefail', '-c', `${dump} && restic backup --quiet .`], env: bareEnv, cwd: stack.uploadsPath}),
    tool: () => tool('--quiet'),
  });

  await initialise(stack, env);
  await writeSets(stack, env);
  const snapshots = () => measure({file: 'restic', args: ['snapshots', '--json'], env});
  await compare(`\`backup list\` of ${sets} sets against \`restic snapshots --json\``, 1.3, rounds, {bare: snapshots, tool: () => tool('list')});
  await compare(`\`backup status\` with ${sets} sets against \`restic snapshots --json\``, 1.3, rounds, {
    bare: snapshots,
    // It ends with 1 since nothing is scheduled here.
    tool: () => measure({file: process.execPath, args: [program, 'backup', 'status'], env, goodEnds: [0, 1]}),
  });
  // The listing above has left their names. No answer may take more than 150 ms.
  await compare(`a shell's completion with ${sets} sets and their snapshots against \`node -e 0\``, 4, 21, {
    bare: () => measure({file: process.execPath, args: ['-e', '0'], env}),
    tool: () => measure({file: process.execPath, args: [program, '--complete-words', 'restore', ''], env}),
  });
}

async function initialise(stack: Stack, env: Record<string, string>): Promise<void> {
  await rm(stack.repository, {recursive: true, force: true});
  await rm(join(stack.userHome, '.cache'), {recursive: true, force: true});
  mkdirSync(dirname(stack.repository), {recursive: true});
  await execa('restic', ['init', '--quiet'], {env, extendEnv: false});
}

/** A set a night until now, with the copies of the manifests that a host has of its own sets. */
async function writeSets(stack: Stack, env: Record<string, string>): Promise<void> {
  await execa('restic', ['backup', '--quiet', '--stdin', '--stdin-filename', '/manifest.json'], {env, extendEnv: false, input: 'a tree for all of them'});
  const [first] = JSON.parse((await execa('restic', ['snapshots', '--json'], {env, extendEnv: false})).stdout);
  await execa('restic', ['forget', first.id], {env, extendEnv: false});
  const master = openMasterKey(stack.repository, password);
  const copies = join(stack.home, 'state', 'manifests');
  mkdirSync(copies, {recursive: true});
  const names = ['db', 'uploads'];
  const tables = Array.from({length: 40}, (_, index) => ['public', `table_${index}`, 1000 + index]);
  for (let night = sets - 1; night >= 0; night -= 1) {
    const time = new Date(Date.now() - night * 86_400_000 - 60_000).toISOString().replace(/\.\d+/, '');
    const set = `${time.replaceAll(/[-:]/g, '')}-0000`;
    const summary = {total_bytes_processed: 5_000_000, data_added: 1000, data_added_packed: 900, total_files_processed: 1};
    const write = (tags: string[]) => writeSnapshot(stack.repository, master, {time, tree: first.tree, paths: ['/'], hostname: 'host', username: 'root', tags, summary});
    const records = names.map((source) => ({source, snapshot: write(sourceTags(set, source)), bytes: 5_000_000, added: 900, files: 1, seconds: 1, unreadable: [], details: source === 'db' ? {tables} : {}}));
    const manifest = write(manifestTags(set, names, {safety: false, incomplete: false, suspicious: false}));
    writeFileSync(join(copies, `${manifest}.json`), JSON.stringify({format: 1, tool: 'timetiles', set, time, host: 'host', project: stack.project, state: 'complete', sources: records}, undefined, 2));
  }
}
