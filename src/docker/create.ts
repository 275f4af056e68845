import {join} from 'node:path';
import {z} from 'zod';
import {runCommand} from '../process/run.ts';
import {atWork, callDocker, dockerError, statusOf, type DockerHandle} from './client.ts';

/** What an engine has to offer. */
export interface Engine {
  /** The directory of its volumes. */
  readonly volumes: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
}

export async function inspectEngine(docker: DockerHandle): Promise<Engine> {
  const info: unknown = await callDocker(docker, (api) => api.info());
  const {DockerRootDir, NCPU, MemTotal} = infoSchema.parse(info);
  return {volumes: join(DockerRootDir, 'volumes'), cpus: NCPU, memory: MemTotal};
}

const infoSchema = z.object({DockerRootDir: z.string(), NCPU: z.number(), MemTotal: z.number()});

/** What images and servers print of passwords: a statement, a verifier, or a word before the value. */
const printedSecrets = /(password\s+)'[^']*'|(SCRAM-SHA-\d+\$|\bmd5)\S+|(pass(?:word|wd)?\s*(?:is|[:=])\s*)\S+/gi;

/** A line of a container's log as it may be shown: without passwords. Pure. */
export function withoutPrintedSecrets(line: string): string {
  return line.replace(printedSecrets, (_, statement?: string, verifier?: string, word?: string) => `${statement ?? verifier ?? word}***`);
}

/** The last lines that a container has printed, without passwords; with `timestamps`, each after its time. */
export async function readLog(docker: DockerHandle, idOrName: string, lines: number, {timestamps = false} = {}): Promise<string[]> {
  const result = await runCommand({file: 'docker', args: ['logs', ...(timestamps ? ['--timestamps'] : []), '--tail', String(lines), idOrName], env: docker.environment, signal: docker.signal, limit: 30});
  return `${result.stdout}\n${result.stderr}`.split('\n').map((line) => withoutPrintedSecrets(line.trim())).filter((line) => line !== '');
}

export interface NewContainer {
  readonly name: string;
  /** Id or name; it has to be on this engine. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Variables; they go to the engine by its API and so never stand in an argv. */
  readonly environment: Readonly<Record<string, string>>;
  /** Named volumes by the directory in the container. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Directories of the host by the directory in the container; each has to exist. */
  readonly binds?: Readonly<Record<string, string>>;
  /** Undefined: what the image says. */
  readonly command?: readonly string[] | undefined;
  /** `none` cuts it off; undefined: Docker's default network. */
  readonly network?: string | undefined;
  /** Bytes; undefined: no limit. */
  readonly memory?: number | undefined;
  /** Processors; undefined: no limit. */
  readonly cpus?: number | undefined;
  /** Bytes of /dev/shm; undefined: Docker's default of 64 MiB. */
  readonly shm?: number | undefined;
}

export interface Image {
  /** Such as `sha256:…`. */
  readonly id: string;
  /** The directories that the image wants on volumes. */
  readonly volumes: readonly string[];
  readonly environment: readonly string[];
  /** What it runs where nothing else is said, without the entrypoint. */
  readonly command: readonly string[];
}

/** An image of this engine by id or name, undefined when it is not there. */
export async function inspectImage(docker: DockerHandle, idOrName: string): Promise<Image | undefined> {
  try {
    const image = await callDocker(docker, (api) => api.getImage(idOrName).inspect());
    return {id: image.Id, volumes: Object.keys(image.Config.Volumes ?? {}), environment: image.Config.Env ?? [], command: wordsOf(image.Config.Cmd)};
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw dockerError(`looking at the image ${idOrName}`, error);
  }
}

/** Docker's API knows a single word as well. */
function wordsOf(command: string | string[] | null | undefined): string[] {
  return typeof command === 'string' ? [command] : (command ?? []);
}

/** Makes a container and does not start it. @returns its id */
export async function createContainer(docker: DockerHandle, wanted: NewContainer): Promise<string> {
  try {
    const container = await callDocker(atWork(docker), (api) =>
      api.createContainer({
        name: wanted.name,
        Image: wanted.image,
        Labels: {...wanted.labels},
        Env: Object.entries(wanted.environment).map(([name, value]) => `${name}=${value}`),
        ...(wanted.command && {Cmd: [...wanted.command]}),
        HostConfig: {
          Mounts: [...mounts('volume', wanted.volumes), ...mounts('bind', wanted.binds ?? {})],
          ...(wanted.network !== undefined && {NetworkMode: wanted.network}),
          ...(wanted.memory !== undefined && {Memory: wanted.memory, MemorySwap: wanted.memory}),
          ...(wanted.cpus !== undefined && {NanoCpus: wanted.cpus * 1e9}),
          ...(wanted.shm !== undefined && {ShmSize: wanted.shm}),
        },
      }),
    );
    return container.id;
  } catch (error) {
    throw dockerError(`making the container ${wanted.name}`, error);
  }
}

function mounts(type: 'volume' | 'bind', byTarget: Readonly<Record<string, string>>) {
  return Object.entries(byTarget).map(([target, source]) => ({Type: type, Source: source, Target: target}));
}

/** Removes a container, running or not, with the volumes that have no name. One that is not there is no error. */
export async function removeContainer(docker: DockerHandle, idOrName: string): Promise<void> {
  try {
    await callDocker(atWork(docker), (api) => api.getContainer(idOrName).remove({force: true, v: true}));
  } catch (error) {
    if (statusOf(error) !== 404) throw dockerError(`removing the container ${idOrName}`, error);
  }
}

/** Makes a named volume on the engine's disk; one of that name that exists already stays as it is. */
export async function createVolume(docker: DockerHandle, name: string, labels: Readonly<Record<string, string>>): Promise<void> {
  try {
    await callDocker(atWork(docker), (api) => api.createVolume({Name: name, Labels: {...labels}}));
  } catch (error) {
    throw dockerError(`making the volume ${name}`, error);
  }
}

/** Removes a volume. One that is not there is no error. */
export async function removeVolume(docker: DockerHandle, name: string): Promise<void> {
  try {
    await callDocker(atWork(docker), (api) => api.getVolume(name).remove());
  } catch (error) {
    if (statusOf(error) !== 404) throw dockerError(`removing the volume ${name}`, error);
  }
}
