import {chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {afterAll, beforeAll, describe, expect, it} from 'vitest';
import {imageFor} from '../support/images.ts';
import {checkout} from '../support/paths.ts';
import {plainSnapshots} from '../support/plain-restic.ts';
import {makeCheapRepository, startStack, type Stack} from '../support/stack.ts';
import {listTree} from '../support/tree.ts';
import {useBench} from '../support/use-bench.ts';

const {version} = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
const selfContained = `timetiles-${version}-linux-${process.arch}`;
const machines: string[] = [];
let stack: Stack;
let release = '';

const pack = (words: string[], root = checkout) => execa(process.execPath, [join(root, '.build', 'pack.js'), ...words], {reject: false});

beforeAll(async () => {
  stack = await startStack(useBench(), {heartbeat: false, databaseInMemory: true});
  await stack.writeConfig();
  await makeCheapRepository(stack);
  release = join(stack.scratch, 'release');
  expect(await pack(['--output', release])).toMatchObject({exitCode: 0, stderr: ''});
});
afterAll(async () => {
  for (const machine of machines) await stack.docker(['rm', '--force', machine], {mayFail: true});
  await stack?.stop();
});

/** A server without network: the stack's engine and data, restic, and the release to install. */
async function startMachine(name: string, brought: string[] = []): Promise<(script: string) => Promise<string>> {
  const {bench} = stack;
  const volumes = [
    `${bench.dockerHost.replace('unix://', '')}:/var/run/docker.sock`,
    `${stack.home}:/opt/timetiles`,
    `${stack.home}:${stack.home}`,
    `${dirname(stack.uploadsPath)}:${dirname(stack.uploadsPath)}`,
    `${bench.restic.newest}:/usr/local/bin/restic:ro`,
    '/usr/bin/docker:/usr/local/bin/docker:ro',
    `${release}:/release:ro`,
    ...brought,
  ].flatMap((volume) => ['--volume', volume]);
  const machine = `${stack.project}-${name}`;
  machines.push(machine);
  const image = await imageFor(bench.dockerHost, 'debian');
  await stack.docker(['run', '--detach', '--name', machine, '--hostname', name, '--network', 'none', ...volumes, image, 'sleep', 'infinity']);
  return async (script) => (await stack.docker(['exec', machine, 'sh', '-euc', script])).stdout;
}

/** What an installed tool has to do: tell what it is, and make a whole backup. */
async function expectWorks(run: (script: string) => Promise<string>): Promise<void> {
  const before = (await plainSnapshots(stack)).length;
  expect(await run('cd / && timetiles --version')).toBe(`timetiles/${version} linux-${process.arch} node-${process.version}\n`);
  expect(await run('timetiles --help')).toMatch(/USAGE[^]*backup[^]*restore/);
  expect(JSON.parse(await run('timetiles config show --json'))).toMatchObject({home: '/opt/timetiles'});
  expect(JSON.parse(await run('timetiles doctor --json'))).toMatchObject({state: 'ok'});
  expect(JSON.parse(await run('timetiles backup --json'))).toMatchObject({state: 'complete'});
  expect((await plainSnapshots(stack)).length - before).toBe(3);
}

it('the self-contained release works on a server without Node and without network', async () => {
  const run = await startMachine('bare');
  expect(await run('command -v node || echo none')).toBe('none\n');
  await run(`cd /release && sha256sum --check --status SHA256SUMS && cd /opt && tar xzf /release/${selfContained}.tar.gz && ln -s /opt/${selfContained}/bin/timetiles /usr/local/bin/timetiles`);
  await expectWorks(run);
});

it('npm installs the tarball on a server with Node, without network and without compiling anything', async () => {
  const npm = await npmPackage();
  const run = await startMachine('node', [`${join(checkout, 'node_modules/node/bin/node')}:/usr/local/bin/node:ro`, `${dirname(npm)}:${dirname(npm)}:ro`]);
  // Where a distribution keeps npm's own packages beside npm, only NODE_PATH finds them.
  const said = await run(`NODE_PATH=${dirname(npm)} node ${npm}/bin/npm-cli.js install --global --offline --no-audit --no-fund /release/timetiles-${version}.tgz 2>&1`);
  expect(said).toMatch(/added \d+ package/);
  expect(said).not.toMatch(/warn|gyp/i);
  await expectWorks(run);
});

/** The npm of the machine: that of the run that started this one, else the one in PATH. */
async function npmPackage(): Promise<string> {
  const program = process.env['npm_execpath'] ?? (await execa('sh', ['-c', 'command -v npm'])).stdout;
  return dirname(dirname(realpathSync(program)));
}

describe('a release', () => {
  const list = async (archive: string) => (await execa('tar', ['--list', '--verbose', '--file', join(release, archive)])).stdout.split('\n').map((line) => line.split(/\s+/));

  it('holds what an installation needs, and nothing else of the sources', async () => {
    const top = ['CHANGELOG.md', 'README.md', 'bin', 'bootstrap', 'bootstrap.conf.example', 'dist', 'docs', 'node_modules', 'oclif.manifest.json', 'package.json'];
    const topOf = async (archive: string) => [...new Set((await list(archive)).map((columns) => columns[5]?.split('/')[1] ?? '').filter((name) => name !== ''))].filter((name) => name !== 'share').toSorted();
    expect(await topOf(`timetiles-${version}.tgz`)).toEqual(top);
    expect(await topOf(`${selfContained}.tar.gz`)).toEqual([...top, 'runtime'].toSorted());
  });

  it('belongs to root, can be read by all and changed by nobody else, and has one date', async () => {
    const entries = await list(`${selfContained}.tar.gz`);
    expect(new Set(entries.map((columns) => columns[0]))).toEqual(new Set(['drwxr-xr-x', '-rw-r--r--', '-rwxr-xr-x']));
    expect(new Set(entries.map((columns) => columns[1]))).toEqual(new Set(['0/0']));
    expect(new Set(entries.map((columns) => `${columns[3]} ${columns[4]}`)).size).toBe(1);
    const programs = entries.filter((columns) => columns[0] === '-rwxr-xr-x').map((columns) => columns[5]?.slice(selfContained.length + 1));
    expect(programs).toEqual(expect.arrayContaining(['bin/timetiles', 'bin/run.js', 'bootstrap/bootstrap.sh', 'runtime/bin/node']));
  });

  it('has no compiled parts, no tests and no path of the machine that made it', async () => {
    const directory = join(release, selfContained);
    const {stdout} = await execa('find', [join(directory, 'node_modules'), '-name', '*.node', '-o', '-name', '*.md', '-o', '-name', '*.ts']);
    expect(stdout.split('\n').filter((path) => !/LICEN[CS]E[^/]*$/i.test(path) && path !== '')).toEqual([]);
    const found = await execa('grep', ['--recursive', '--fixed-strings', '--files-with-matches', checkout, directory], {reject: false});
    expect(found).toMatchObject({exitCode: 1, stdout: ''});
  });
});

describe('pack.js --directory', () => {
  const sources = ['.build', 'bin', 'bootstrap', 'docs', 'dist', 'oclif.manifest.json', 'package.json', 'package-lock.json', 'bootstrap.conf.example', 'README.md', 'CHANGELOG.md'];

  /** A checkout with a file that only its owner knows of. */
  async function copyCheckout(name: string): Promise<string> {
    const root = join(stack.scratch, name);
    mkdirSync(root);
    for (const path of sources) cpSync(join(checkout, path), join(root, path), {recursive: true});
    symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
    const git = (words: string[]) => execa('git', ['-C', root, '-c', 'user.name=x', '-c', 'user.email=x@example.org', ...words], {env: {GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z'}});
    await git(['init', '--quiet']);
    await git(['add', ...sources.filter((path) => !['dist', 'oclif.manifest.json'].includes(path))]);
    await git(['commit', '--quiet', '--message', 'x']);
    writeFileSync(join(root, 'bootstrap', 'bootstrap.conf'), 'RESTIC_PASSWORD="x"\n');
    return root;
  }

  it('makes the same of the same sources, whoever does it, and takes nothing that git does not know', async () => {
    const [one, two] = [await copyCheckout('one'), await copyCheckout('two')];
    chmodSync(join(two, 'README.md'), 0o600);
    const umask = process.umask(0o077);
    const [a, b] = await Promise.all([pack(['--directory', join(one, 'made')], one), pack(['--directory', join(two, 'made')], two)]).finally(() => process.umask(umask));
    expect([a, b]).toMatchObject([{exitCode: 0, stdout: join(one, 'made')}, {exitCode: 0, stdout: join(two, 'made')}]);
    const tree = await listTree(join(one, 'made'));
    expect(await listTree(join(two, 'made'))).toBe(tree);
    expect(tree).toContain(String(BigInt(Date.parse('2026-01-02T03:04:05Z')) * 1_000_000n));
    expect(existsSync(join(one, 'made/bootstrap/bootstrap.sh'))).toBe(true);
    expect(tree).not.toMatch(/bootstrap\/bootstrap\.conf\t|^\.\/runtime/m);
    expect((await execa(join(one, 'made/bin/timetiles'), ['--version'])).stdout).toContain(`timetiles/${version}`);
  });

  it('leaves alone what is there, and says what is missing', async () => {
    const root = await copyCheckout('three');
    expect(await pack(['--directory', root], root)).toMatchObject({exitCode: 1, stderr: `pack: ${root} is not empty`});
    expect(await pack(['--output', root], root)).toMatchObject({exitCode: 1, stderr: `pack: ${root} holds other things than a release, and would be replaced`});
    expect(existsSync(join(root, 'package.json'))).toBe(true);
    await execa('mv', [join(root, 'dist'), join(root, 'elsewhere')]);
    expect(await pack(['--directory', join(root, 'made')], root)).toMatchObject({exitCode: 1, stderr: 'pack: dist missing: npm run build makes it'});
    expect(existsSync(join(root, 'made'))).toBe(false);
  });
});

it('starts as fast as the development tool', async () => {
  const env = {TIMETILES_HOME: stack.home, PATH: process.env['PATH'] ?? ''};
  const timeOf = async (file: string, words: string[]) => {
    const begin = performance.now();
    await execa(file, [...words, 'config', 'show'], {env, extendEnv: false});
    return performance.now() - begin;
  };
  // Whatever else the machine does only makes a run slower: the fastest of each come near the truth, some sooner than others. npm run bench compares medians.
  let [installed, development] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 40 && (round < 5 || installed > development * 1.2); round += 1) {
    development = Math.min(development, await timeOf(process.execPath, [join(checkout, 'bin/run.js')]));
    installed = Math.min(installed, await timeOf(join(release, selfContained, 'bin/timetiles'), []));
  }
  expect(installed / development).toBeLessThan(1.2);
});
