import {mkdir, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {inspect} from 'node:util';
import {execa} from 'execa';
import {startBench, type RunningBench} from '../support/bench.ts';
import {toolEnvironment} from '../support/cli.ts';
import {growDatabase} from '../support/dataset.ts';
import {writeSmallFiles} from '../support/files.ts';
import {checkout, scratchDirectory} from '../support/paths.ts';
import {startStack, type Stack} from '../support/stack.ts';
import {bareRepository} from './bare-repository.ts';
import {compare, megabytes, report, rows} from './contest.ts';
import {measure, type Measured} from './measure.ts';
import {benchHarmless} from './harmless.ts';
import {benchNights} from './nights.ts';
import {benchOffsite} from './offsite.ts';
import {benchRestoreTest} from './restore-test.ts';
import {isQuick, scaled} from './size.ts';

// Compares the tool with the bare pipeline that it replaces, both in one run on the same data, taking turns. Prints the
// table of docs/benchmarks.md and fails when a limit is broken. Wants a quiet machine. `npm run bench -- nights offsite`
// runs these parts alone, `--quick` only shows that they run.

const rounds = 5;
const program = join(checkout, 'bin/run.js');

const bench = await startBench();
const parts: Record<string, () => Promise<void>> = {
  version: benchVersion,
  start: benchStart,
  dump: () => withStack(bench, benchDump),
  harmless: () => withStack(bench, (stack) => benchHarmless(stack, scaled(20))),
  uploads: () => withStack(bench, benchUploads),
  nights: () => withStack(bench, benchNights),
  'restore-test': () => withStack(bench, benchRestoreTest),
  offsite: () => benchOffsite(bench),
};
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const failures: string[] = [];
try {
  for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
    // One that fails must not hide what the others show.
    await parts[name]?.().catch((error: unknown) => failures.push(`${name}: ${inspect(error)}`));
  }
} finally {
  await bench.stop();
}
const hold = report();
for (const failure of failures) console.error(`\nThis part failed. ${failure}`);
if ((!hold && !isQuick) || failures.length > 0) process.exitCode = 1;

async function withStack(running: RunningBench, work: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await startStack(running, {heartbeat: false, uploads: 'directory'});
  try {
    await stack.writeConfig();
    await work(stack);
  } finally {
    await stack.stop();
  }
}

async function benchVersion(): Promise<void> {
  const env = {PATH: process.env['PATH'] ?? ''};
  await compare('`timetiles --version` against `node -e 0`', 4, 21, {
    bare: () => measure({file: process.execPath, args: ['-e', '0'], env}),
    tool: () => measure({file: process.execPath, args: [program, '--version'], env}),
  });
}

/** The installed tool, with its launcher and its own Node, against the one of the checkout. */
async function benchStart(): Promise<void> {
  const directory = join(scratchDirectory, 'release');
  await execa(process.execPath, [join(checkout, '.build/pack.js'), '--directory', directory, '--runtime']);
  const env = {PATH: process.env['PATH'] ?? '', TIMETILES_HOME: directory};
  const installed = join(directory, 'bin/timetiles');
  for (const words of [['--version'], ['config', 'show'], ['backup', '--help']]) {
    await compare(`the installed tool against that of the checkout: \`timetiles ${words.join(' ')}\``, 1.15, 21, {
      bare: () => measure({file: process.execPath, args: [program, ...words], env}),
      tool: () => measure({file: installed, args: words, env}),
    });
  }
  await rm(directory, {recursive: true});
}

async function benchDump(stack: Stack): Promise<void> {
  await growDatabase(stack, scaled(80));
  const small = await backupDb(stack);
  await growDatabase(stack, scaled(770), 'archive_large');
  const env = environment(stack);
  const script = `docker exec --env PGPASSWORD --env PGUSER --env PGDATABASE ${stack.postgres} pg_dump | restic backup --quiet --stdin --stdin-filename /database.sql`;
  const bareEnv = {...env, PGPASSWORD: stack.password, PGUSER: stack.user, PGDATABASE: stack.database};
  const peaks: number[] = [];
  await compare('`backup db` against `docker exec pg_dump \\| restic backup --stdin`', 1.08, rounds, {
    prepare: () => freshRepository(stack),
    bare: () => measure({file: 'bash', args: ['-o', 'pipefail', '-c', script], env: bareEnv}),
    async tool() {
      const measured = await backupDb(stack);
      peaks.push(measured.peakMiB);
      return measured;
    },
  });
  const bytes = await dumpBytes(stack);
  const peak = Math.max(...peaks);
  rows.push(
    {what: `peak memory of the tool's process at a dump of ${(bytes / 1e6).toFixed(0)} MB, limit 120 MB`, bare: '120 MB', tool: megabytes(peak), ratio: peak / (120e6 / 1048576), limit: 1},
    {what: 'the same against a dump of a tenth of the size', bare: megabytes(small.peakMiB), tool: megabytes(peak), ratio: peak / small.peakMiB, limit: 1.1},
  );
}

async function benchUploads(stack: Stack): Promise<void> {
  writeSmallFiles(stack.uploadsPath, scaled(50_000), 11_660);
  const env = environment(stack);
  await freshRepository(stack);
  const bareEnv = await bareRepository(stack, env);
  const bareRun = () => measure({file: 'restic', args: ['backup', '--quiet', '.'], env: bareEnv, cwd: stack.uploadsPath});
  const toolRun = () => measure({file: process.execPath, args: [program, 'backup', 'uploads', '--quiet'], env});
  await toolRun();
  await bareRun();
  await compare('unchanged `backup uploads` of 50,000 files against `restic backup`', 1.15, rounds, {bare: bareRun, tool: toolRun});
}

function environment(stack: Stack): Record<string, string> {
  const env = toolEnvironment({stack});
  return {...env, RESTIC_REPOSITORY: stack.repository, RESTIC_PASSWORD: 'a bench password'};
}

async function freshRepository(stack: Stack): Promise<void> {
  await rm(stack.repository, {recursive: true, force: true});
  await rm(join(stack.userHome, '.cache'), {recursive: true, force: true});
  await mkdir(dirname(stack.repository), {recursive: true});
  await execa('restic', ['init', '--quiet'], {env: environment(stack), extendEnv: false});
}

async function backupDb(stack: Stack): Promise<Measured> {
  return measure({file: process.execPath, args: [program, 'backup', 'db', '--quiet'], env: environment(stack)});
}

async function dumpBytes(stack: Stack): Promise<number> {
  const {bytes} = await stack.pgDump();
  return bytes;
}
