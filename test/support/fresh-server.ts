import {randomBytes} from 'node:crypto';
import {chmod, cp, mkdir, readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {execa} from 'execa';
import type {Bench} from './bench.ts';
import {docker, type DockerResult} from './docker.ts';
import {imageFor, type ImageName} from './images.ts';
import {cacheDirectory, checkout} from './paths.ts';
import {waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';

/** How to make a server. */
export interface ServerOptions {
  image: Extract<ImageName, 'debian' | 'debianBookworm' | 'server' | 'serverBookworm'>;
  /** What bootstrap installs from: a release directory or a checkout, seen as `/srv/source`, where nothing can be changed. */
  source: string;
  /** Nothing outside can be reached, and no package was fetched before. */
  offline?: boolean;
  /** Mounted at `/opt/timetiles`. */
  disk?: string;
}

/** A root of its own with the engine's socket: a server, for bootstrap. The app is the stack beside it. */
export interface FreshServer {
  container: string;
  /** Runs a command to its end, whatever that is. */
  run(command: string[], options?: {input?: string; environment?: Record<string, string>; user?: string}): Promise<DockerResult>;
  bootstrap(...words: string[]): Promise<DockerResult>;
  /** Starts bootstrap and kills its whole process group as soon as it says this. @returns what it said */
  killedAt(pattern: RegExp, signal: 'KILL' | 'TERM', ...words: string[]): Promise<DockerResult>;
  write(path: string, text: string, mode?: number): Promise<void>;
  read(path: string): Promise<string>;
  /** Everything on the server but traces of cron: type, mode, owner, size, time and target of each entry, and the content of each file that bootstrap could touch. */
  tree(): Promise<string>;
  stop(): Promise<void>;
}

/** Makes a release directory with its own Node, of the built tool. @param change what makes it another version */
export async function makeRelease(directory: string, change?: {version: string}): Promise<string> {
  await execa(process.execPath, [join(checkout, '.build/pack.js'), '--directory', directory, '--runtime']);
  if (change) {
    const files = ['package.json', 'oclif.manifest.json'].map((name) => join(directory, name));
    await execa('sed', ['--in-place', `s/^  "version": "[^"]*"/  "version": "${change.version}"/`, ...files]);
  }
  return directory;
}

/** What a build or a developer leaves in a checkout, and what no installation needs. */
const notSource = new Set(['.git', '.cache', 'node_modules', 'dist', 'share', 'release', 'oclif.manifest.json', 'fixtures']);

/** Copies the sources as a download of them would be: without git, without anything that was built. */
export async function copyCheckout(directory: string): Promise<string> {
  // One by one, since the directory may be in the checkout's cache.
  for (const name of await readdir(checkout)) {
    if (!notSource.has(name)) await cp(join(checkout, name), join(directory, name), {recursive: true, filter: (path) => !notSource.has(basename(path))});
  }
  return directory;
}

/** Starts a server whose configuration in `/root/bootstrap.conf` names the stack, and no password. */
export async function startServer(bench: Bench, stack: Stack, options: ServerOptions): Promise<FreshServer> {
  const container = `server-${randomBytes(4).toString('hex')}`;
  const image = await imageFor(bench.dockerHost, options.image);
  const root = (await docker(bench.dockerHost, ['info', '--format', '{{.DockerRootDir}}'])).stdout.trim();
  await docker(bench.dockerHost, [
    'run', '--detach', '--name', container, '--network', options.offline ? 'none' : 'host',
    ...mounts({
      [bench.dockerHost.replace('unix://', '')]: '/run/docker.sock',
      // The uploads are read where the engine says that they are.
      [root]: root,
      [`${options.source}:ro`]: '/srv/source',
      ...(options.offline ? {} : {[await archiveOf(options.image)]: '/var/cache/apt/archives'}),
      ...(options.disk === undefined ? {} : {[options.disk]: '/opt/timetiles'}),
    }),
    ...(await npmOptions()),
    // Reaps what bootstrap starts and leaves, as an init would.
    image, 'bash', '-c', 'while :; do sleep 3600 & wait; done',
  ]);
  const run: FreshServer['run'] = (command, {input, environment = {}, user} = {}) => {
    const variables = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const as = user === undefined ? [] : ['--user', user];
    return docker(bench.dockerHost, ['exec', '--interactive', ...as, ...variables, container, ...command], {mayFail: true, ...(input === undefined ? {} : {input})});
  };
  const demand = async (command: string[], input?: string) => {
    const result = await run(command, input === undefined ? {} : {input});
    if (result.exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
    return result.stdout;
  };
  const server: FreshServer = {
    container, run,
    bootstrap: (...words) => run([program, ...words]),
    killedAt: (pattern, signal, ...words) => killAt(bench, container, {pattern, signal, words}),
    write: async (path, text, mode = 0o600) => void (await demand(['bash', '-c', 'umask 077; cat >"$1"; chmod "$2" "$1"', 'write', path, mode.toString(8)], text)),
    read: (path) => demand(['cat', path]),
    tree: () => demand(['bash', '-c', listing]),
    stop: async () => void (await docker(bench.dockerHost, ['rm', '--force', '--volumes', container])),
  };
  await server.write('/root/bootstrap.conf', `COMPOSE_PROJECT_NAME="${stack.project}"\nBACKUP_MIN_FREE_GB="0.01"\n`);
  return server;
}

const program = '/srv/source/bootstrap/bootstrap.sh';

// Caches and what only lives while the server runs are no part of it. Nor is what cron's hourly line does, which may come at any time:
// it takes the lock and writes its log.
const listing = `set -e
{
  find / -xdev \\( -path /root/.cache -o -path /tmp -o -path /run -o -path /var/cache/apt -o -path /srv \\) -prune -o -printf '%p %y %m %U:%G %s %T@ %l\\n' | sort
  find /opt /etc /usr/local /var/spool /var/log /root -path /root/.cache -prune -o -type f -exec sha256sum {} + | sort -k 2
} | grep -vE '/var/log/timetiles( d |/cron\\.log)|/timetiles\\.lock( |$)'`;

async function killAt(bench: Bench, container: string, {pattern, signal, words}: {pattern: RegExp; signal: 'KILL' | 'TERM'; words: string[]}): Promise<DockerResult> {
  const leader = '/run/bootstrap.leader';
  const running = execa('docker', ['exec', container, 'bash', '-c', `echo $$ >${leader}; exec "$@"`, 'leader', program, ...words], {env: {DOCKER_HOST: bench.dockerHost}, all: true, reject: false});
  let said = '';
  let ended = false;
  running.all.on('data', (chunk: Buffer) => (said += chunk.toString()));
  void running.then(() => (ended = true));
  await waitUntil(() => ended || pattern.test(said), 120_000, 5);
  // A single process hears of SIGTERM, as with kill; SIGKILL takes all of them.
  const group = signal === 'KILL' ? '-' : '';
  await docker(bench.dockerHost, ['exec', container, 'bash', '-c', `kill -${signal} -- ${group}$(cat ${leader})`], {mayFail: true});
  const {exitCode = -1, stdout, stderr} = await running;
  if (!pattern.test(said)) throw new Error(`bootstrap never said ${pattern}:\n${said}`);
  return {exitCode, stdout, stderr};
}

/** Packages that were fetched once need no second download, and the archive is asked for the others. */
async function archiveOf(image: ImageName): Promise<string> {
  const directory = join(cacheDirectory, 'apt', image.toLowerCase().includes('bookworm') ? 'bookworm' : 'trixie');
  await mkdir(join(directory, 'partial'), {recursive: true});
  await chmod(directory, 0o755);
  return directory;
}

/** npm on the server asks the registry that npm on this machine asks, and trusts whom it trusts. */
async function npmOptions(): Promise<string[]> {
  const ask = async (key: string) => (await execa('npm', ['config', 'get', key], {reject: false, cwd: '/', stdin: 'ignore'})).stdout.trim();
  const registry = await ask('registry');
  const known = [process.env['NODE_EXTRA_CA_CERTS'], await ask('cafile')].find((path) => path?.startsWith('/'));
  return [
    ...(registry.startsWith('http') ? ['--env', `npm_config_registry=${registry}`] : []),
    ...(known === undefined ? [] : [...mounts({[`${known}:ro`]: '/srv/authorities.crt'}), '--env', 'npm_config_cafile=/srv/authorities.crt', '--env', 'NODE_EXTRA_CA_CERTS=/srv/authorities.crt']),
  ];
}

function mounts(places: Record<string, string>): string[] {
  return Object.entries(places).flatMap(([source, target]) => {
    const readOnly = source.endsWith(':ro');
    return ['--mount', `type=bind,source=${readOnly ? source.slice(0, -':ro'.length) : source},target=${target}${readOnly ? ',readonly' : ''}`];
  });
}
