import {existsSync} from 'node:fs';
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {removeControlGroup} from './cgroups.ts';
import {docker, dockerLines} from './docker.ts';
import {startDaemon, type Daemon} from './daemon.ts';
import {lockBench} from './lock.ts';
import {unmountUnder} from './mounts.ts';
import {cacheDirectory, checkoutId, mountsDirectory, runDirectory, scratchDirectory} from './paths.ts';
import {endProcess, processesNaming, waitUntil} from './processes.ts';

/** A Docker engine that belongs to this checkout alone. */
export interface Engine {
  dockerHost: string;
  socketPath: string;
  stop(): Promise<void>;
}

const socketPath = join(runDirectory, 'docker.sock');
const dockerHost = `unix://${socketPath}`;
const containerdAddress = join(runDirectory, 'containerd.sock');
const dataDirectory = join(cacheDirectory, 'docker');
// A slash keeps the control groups of this engine apart from those of the machine's own.
const controlGroup = `/timetiles-bench-${checkoutId}`;

/**
 * Starts the private engine, or takes over the one that a killed run left. Tests stop and kill containers freely, so
 * they never meet the machine's own engine, and only one run at a time may use this one.
 */
export async function startEngine(options: {lockMinutes?: number} = {}): Promise<Engine> {
  if (process.getuid?.() !== 0) throw new Error('The bench of real parts starts a Docker engine, which needs root.');
  const unlock = await lockBench((options.lockMinutes ?? 5) * 60_000);
  try {
    await clearScratch();
    if (!(await answers())) await startDaemons();
    await purge();
  } catch (error) {
    await end();
    await unlock();
    throw error;
  }
  const stop = async () => {
    try {
      await purge();
      await end();
      await clearScratch();
    } finally {
      await unlock();
    }
  };
  return {dockerHost, socketPath, stop};
}

async function startDaemons(): Promise<void> {
  // Whatever is left of a killed run does not answer: end it before its files are reused.
  await end();
  await mkdir(dataDirectory, {recursive: true});
  await mkdir(runDirectory, {recursive: true, mode: 0o700});
  const containerdConfig = join(runDirectory, 'containerd.toml');
  const dockerdConfig = join(runDirectory, 'daemon.json');
  await writeFile(containerdConfig, containerdSettings());
  await writeFile(dockerdConfig, JSON.stringify(dockerdSettings()));
  // An own containerd too: dockerd would otherwise join the machine's, where both engines' containers would mix.
  const containerd = await startDaemon('containerd', ['--config', containerdConfig]);
  await ready(containerd, async () => existsSync(containerdAddress));
  const hadKey = existsSync('/etc/docker/key.json');
  const dockerd = await startDaemon('dockerd', ['--config-file', dockerdConfig]);
  await ready(dockerd, answers);
  // Older engines write an identity there that nothing uses.
  if (!hadKey) await rm('/etc/docker/key.json', {force: true});
}

function containerdSettings(): string {
  return [
    'version = 2',
    `root = ${JSON.stringify(join(cacheDirectory, 'containerd'))}`,
    `state = ${JSON.stringify(join(runDirectory, 'containerd'))}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `address = ${JSON.stringify(containerdAddress)}`,
    '[plugins."io.containerd.internal.v1.opt"]',
    `path = ${JSON.stringify(join(cacheDirectory, 'containerd', 'opt'))}`,
    '',
  ].join('\n');
}

function dockerdSettings(): object {
  return {
    'data-root': dataDirectory,
    'exec-root': join(runDirectory, 'exec'),
    pidfile: join(runDirectory, 'dockerd.pid'),
    hosts: [dockerHost],
    containerd: containerdAddress,
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': controlGroup,
    // No bridge and no rules: the network of the machine stays as it is. Containers need none here.
    bridge: 'none',
    iptables: false,
    ip6tables: false,
    'ip-forward': false,
    'ip-masq': false,
    'userland-proxy': false,
    'log-opts': {'max-size': '10m'},
  };
}

async function ready(daemon: Daemon, question: () => Promise<boolean>): Promise<void> {
  const done = await waitUntil(async () => daemon.hasEnded() || (await question()), 60_000);
  if (done && !daemon.hasEnded()) return;
  const what = daemon.hasEnded() ? 'ended at once' : 'was not ready after 60 seconds';
  const log = await readFile(daemon.log, 'utf8').catch(() => '');
  const tail = log.trimEnd().split('\n').slice(-25).join('\n');
  throw new Error(`The bench's ${daemon.name} ${what}. The end of ${daemon.log}:\n${tail}`);
}

async function answers(): Promise<boolean> {
  if (!existsSync(socketPath)) return false;
  const info = await docker(dockerHost, ['info', '--format', '{{.DockerRootDir}}'], {mayFail: true});
  return info.exitCode === 0 && info.stdout.trim() === dataDirectory;
}

/** Containers and volumes of an earlier run would only confuse this one; images stay. */
async function purge(): Promise<void> {
  const containers = await dockerLines(dockerHost, ['ps', '--all', '--quiet']);
  if (containers.length > 0) await docker(dockerHost, ['rm', '--force', '--volumes', ...containers]);
  const volumes = await dockerLines(dockerHost, ['volume', 'ls', '--quiet']);
  if (volumes.length > 0) await docker(dockerHost, ['volume', 'rm', '--force', ...volumes]);
}

/** Ends the engine's processes, each by its own id, and removes what they leave outside the checkout. */
async function end(): Promise<void> {
  // Every daemon and shim of this engine names the run directory on its command line; dockerd must go first, since it
  // talks to the others while it ends.
  for (const name of ['dockerd', 'containerd', '']) {
    for (const pid of await processesNaming(runDirectory)) {
      const program = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      if (name === '' ? program.startsWith('containerd-shim') : program === name) await endProcess(pid);
    }
  }
  await removeControlGroup(controlGroup);
  await unmountUnder(runDirectory);
  await unmountUnder(dataDirectory);
  await rm(runDirectory, {recursive: true, force: true});
}

async function clearScratch(): Promise<void> {
  await unmountUnder(mountsDirectory);
  await rm(mountsDirectory, {recursive: true, force: true});
  await rm(scratchDirectory, {recursive: true, force: true});
}
