import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, readdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {removeControlGroup} from './cgroups.ts';
import {docker, dockerLines} from './docker.ts';
import {startDaemon, type Daemon} from './daemon.ts';
import {lockBench} from './lock.ts';
import {unmountUnder} from './mounts.ts';
import {cacheDirectory, checkoutId, mountsDirectory, runDirectory, scratchDirectory} from './paths.ts';
import {enterPrivateNetwork} from './private-network.ts';
import {endProcess, processesNaming, waitUntil} from './processes.ts';

/** A Docker engine that belongs to this checkout alone. */
export interface Engine {
  dockerHost: string;
  socketPath: string;
  stop(): Promise<void>;
}

/** Where an engine keeps everything. */
interface Places {
  run: string;
  dataDirectory: string;
  containerdRoot: string;
  controlGroup: string;
  log: string;
}

const socketOf = ({run}: Places) => join(run, 'docker.sock');
const hostOf = (places: Places) => `unix://${socketOf(places)}`;
const containerdAddressOf = ({run}: Places) => join(run, 'containerd.sock');

const first: Places = {
  run: runDirectory,
  dataDirectory: join(cacheDirectory, 'docker'),
  containerdRoot: join(cacheDirectory, 'containerd'),
  // A slash keeps the control groups of this engine apart from those of the machine's own.
  controlGroup: `/timetiles-bench-${checkoutId}`,
  log: cacheDirectory,
};
const dockerHost = hostOf(first);
const socketPath = socketOf(first);

/**
 * Starts the private engine, in the network of this process, which is none of the machine's. Tests stop and kill containers
 * freely, so they never meet the machine's own engine, and only one run at a time may use this one. One that a killed run
 * left is ended: it has that run's network, where nobody else can reach its containers.
 */
export async function startEngine(options: {lockMinutes?: number} = {}): Promise<Engine> {
  if (process.getuid?.() !== 0) throw new Error('The bench of real parts starts a Docker engine, which needs root.');
  enterPrivateNetwork();
  const unlock = await lockBench((options.lockMinutes ?? 5) * 60_000);
  try {
    await clearScratch();
    await startDaemons(first);
    await purge();
  } catch (error) {
    await end(first);
    unlock();
    throw error;
  }
  const stop = async () => {
    try {
      await purge();
      await clearScratch();
      await end(first);
    } finally {
      unlock();
    }
  };
  return {dockerHost, socketPath, stop};
}

/**
 * Starts another engine beside the bench's own, for one test file: a machine that has nothing, not even an image, and a
 * network that leads nowhere. What it stores goes with it; of a killed run, with the next bench.
 */
export async function startBareEngine(): Promise<Engine> {
  const name = `bare-${randomBytes(3).toString('hex')}`;
  const places = barePlaces(name);
  const stop = () => endBare(name);
  try {
    await startDaemons(places, ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']);
  } catch (error) {
    await stop();
    throw error;
  }
  return {dockerHost: hostOf(places), socketPath: socketOf(places), stop};
}

function barePlaces(name: string): Places {
  const root = join(scratchDirectory, name);
  return {run: join(runDirectory, name), dataDirectory: join(root, 'docker'), containerdRoot: join(root, 'containerd'), controlGroup: `${first.controlGroup}-${name}`, log: root};
}

async function endBare(name: string): Promise<void> {
  await end(barePlaces(name));
  await rm(join(scratchDirectory, name), {recursive: true, force: true});
}

/** @param inNetwork what to put before the command, for a network other than that of this process */
async function startDaemons(places: Places, inNetwork: string[] = []): Promise<void> {
  // Whatever is left of a killed run has to end before its files are reused.
  await end(places);
  await mkdir(places.dataDirectory, {recursive: true});
  await mkdir(places.run, {recursive: true, mode: 0o700});
  const containerdConfig = join(places.run, 'containerd.toml');
  const dockerdConfig = join(places.run, 'daemon.json');
  await writeFile(containerdConfig, containerdSettings(places));
  await writeFile(dockerdConfig, JSON.stringify(dockerdSettings(places)));
  await writeFile(seccompProfileOf(places), JSON.stringify({defaultAction: 'SCMP_ACT_ALLOW'}));
  // An own containerd too: dockerd would otherwise join the machine's, where both engines' containers would mix.
  const containerd = await startDaemon(['containerd', '--config', containerdConfig], places.log);
  await ready(containerd, async () => existsSync(containerdAddressOf(places)));
  const hadKey = existsSync('/etc/docker/key.json');
  const dockerd = await startDaemon([...inNetwork, 'dockerd', '--config-file', dockerdConfig], places.log, 'dockerd');
  await ready(dockerd, () => answers(places));
  // Older engines write an identity there that nothing uses.
  if (!hadKey) await rm('/etc/docker/key.json', {force: true});
}

function containerdSettings(places: Places): string {
  return [
    'version = 2',
    `root = ${JSON.stringify(places.containerdRoot)}`,
    `state = ${JSON.stringify(join(places.run, 'containerd'))}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `address = ${JSON.stringify(containerdAddressOf(places))}`,
    '[plugins."io.containerd.internal.v1.opt"]',
    `path = ${JSON.stringify(join(places.containerdRoot, 'opt'))}`,
    '',
  ].join('\n');
}

const seccompProfileOf = (places: Places) => join(places.run, 'seccomp.json');

function dockerdSettings(places: Places): object {
  return {
    'data-root': places.dataDirectory,
    'exec-root': join(places.run, 'exec'),
    pidfile: join(places.run, 'dockerd.pid'),
    hosts: [hostOf(places)],
    containerd: containerdAddressOf(places),
    'exec-opts': ['native.cgroupdriver=cgroupfs'],
    'cgroup-parent': places.controlGroup,
    // Addresses that no network has which a test could want to reach: these are set aside for benchmarks.
    bip: '198.18.0.1/24',
    'default-address-pools': [{base: '198.19.0.0/16', size: 24}],
    'log-opts': {'max-size': '10m'},
    // The usual one is compiled anew with every exec, which took a twelfth of all the time of the tests.
    'seccomp-profile': seccompProfileOf(places),
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

async function answers(places: Places): Promise<boolean> {
  if (!existsSync(socketOf(places))) return false;
  const info = await docker(hostOf(places), ['info', '--format', '{{.DockerRootDir}}'], {mayFail: true});
  return info.exitCode === 0 && info.stdout.trim() === places.dataDirectory;
}

/** Containers, volumes and networks of an earlier run would only confuse this one; images stay. */
async function purge(): Promise<void> {
  const containers = await dockerLines(dockerHost, ['ps', '--all', '--quiet']);
  if (containers.length > 0) await docker(dockerHost, ['rm', '--force', '--volumes', ...containers]);
  const volumes = await dockerLines(dockerHost, ['volume', 'ls', '--quiet']);
  if (volumes.length > 0) await docker(dockerHost, ['volume', 'rm', '--force', ...volumes]);
  await docker(dockerHost, ['network', 'prune', '--force']);
}

/** Ends the engine's processes, each by its own id, and removes what they leave outside the checkout. */
async function end({run, dataDirectory, controlGroup}: Places): Promise<void> {
  // Every daemon and shim of this engine names the run directory on its command line; dockerd must go first, since it
  // talks to the others while it ends.
  for (const name of ['dockerd', 'containerd', '']) {
    for (const pid of await processesNaming(run)) {
      const program = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
      if (name === '' ? program.startsWith('containerd-shim') : program === name) await endProcess(pid);
    }
  }
  await removeControlGroup(controlGroup);
  await unmountUnder(run);
  await unmountUnder(dataDirectory);
  await rm(run, {recursive: true, force: true});
}

async function clearScratch(): Promise<void> {
  const running = existsSync(runDirectory) ? await readdir(runDirectory) : [];
  for (const name of running.filter((entry) => entry.startsWith('bare-'))) await endBare(name);
  await unmountUnder(mountsDirectory);
  await rm(mountsDirectory, {recursive: true, force: true});
  await rm(scratchDirectory, {recursive: true, force: true});
}
