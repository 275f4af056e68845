import {readdir, readFile, readlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import type {Bench} from './bench.ts';
import {docker} from './docker.ts';
import {startBareEngine} from './engine.ts';
import {imageFor} from './images.ts';
import {waitUntil} from './processes.ts';

/** A network with an engine in it, as the machine of somebody who has Docker already. */
export interface OtherMachine {
  /** What to put before a command that is to run there. */
  inNetwork: string[];
  /** Starts a container on the engine's default network that greets whoever connects to it. */
  greet(name: string): Promise<void>;
  /** What a container says to somebody on this machine. */
  ask(name: string): Promise<string>;
  /** The names of all interfaces. */
  interfaces(): Promise<string[]>;
  /** The processes that use this network, containers aside: they have networks of their own. */
  processes(): Promise<string[]>;
  stop(): Promise<void>;
}

const greeter = '$SIG{TERM} = sub { exit }; $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5) or die; while ($c = $s->accept) { print $c "here\\n"; close $c }';

/** Starts it, with one image. */
export async function startOtherMachine(bench: Bench): Promise<OtherMachine> {
  const engine = await startBareEngine();
  const {dockerHost, socketPath} = engine;
  try {
    const image = await imageFor(bench.dockerHost, 'debian');
    await execa('bash', ['-o', 'pipefail', '-c', 'docker save "$1" | docker --host "$2" load --quiet', 'bash', image, dockerHost], {env: {DOCKER_HOST: bench.dockerHost}});
    const pid = (await readFile(join(dirname(socketPath), 'dockerd.pid'), 'utf8')).trim();
    const inNetwork = ['nsenter', `--net=/proc/${pid}/ns/net`];
    const ask = async (name: string) => {
      const address = (await docker(dockerHost, ['inspect', '--format', '{{.NetworkSettings.IPAddress}}', name])).stdout.trim();
      const {stdout} = await execa('nsenter', [...inNetwork.slice(1), 'timeout', '5', 'bash', '-c', 'exec 3<>"/dev/tcp/$1/80" && cat <&3', 'ask', address], {reject: false, stderr: 'ignore'});
      return stdout;
    };
    return {
      inNetwork, ask,
      stop: () => engine.stop(),
      greet: async (name) => {
        await docker(dockerHost, ['run', '--detach', '--name', name, image, 'perl', '-MIO::Socket::INET', '-e', greeter]);
        if (!(await waitUntil(async () => (await ask(name)) === 'here', 10_000))) throw new Error(`${name} does not answer`);
      },
      interfaces: async () => {
        const {stdout} = await execa('nsenter', [...inNetwork.slice(1), 'ip', '-brief', 'link']);
        return stdout.split('\n').map((line) => line.split(/[ @]/)[0] ?? '').toSorted();
      },
      processes: async () => usersOf(await readlink(`/proc/${pid}/ns/net`)),
    };
  } catch (error) {
    await engine.stop();
    throw error;
  }
}

async function usersOf(network: string): Promise<string[]> {
  const users: string[] = [];
  for (const entry of await readdir('/proc')) {
    const used = /^\d+$/.test(entry) ? await readlink(`/proc/${entry}/ns/net`).catch(() => '') : '';
    if (used === network) users.push(entry);
  }
  return users;
}
