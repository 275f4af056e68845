import {randomBytes} from 'node:crypto';
import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bench} from './bench.ts';
import {docker} from './docker.ts';
import {imageFor} from './images.ts';
import {scratchDirectory} from './paths.ts';
import {freePort} from './ports.ts';
import {waitUntil} from './processes.ts';

/** restic's own server for repositories. */
export interface RestServer {
  /** `rest:http://127.0.0.1:PORT/`, for RESTIC_REPOSITORY; a name after it makes one repository of many. */
  url: string;
  /** Where it keeps its files: as a local repository, this is the same one. */
  directory: string;
  /** The name of the container. */
  container: string;
  stop(): Promise<void>;
}

/** Starts a server whose files go with it. Append-only, it removes nothing but locks, whoever asks. */
export async function startRestServer(bench: Bench, options: {appendOnly: boolean}): Promise<RestServer> {
  const container = `rest-server-${randomBytes(4).toString('hex')}`;
  const directory = join(scratchDirectory, container);
  await mkdir(directory, {recursive: true, mode: 0o700});
  const image = await imageFor(bench.dockerHost, 'restServer');
  const host = `127.0.0.1:${await freePort()}`;
  const stop = async () => {
    await docker(bench.dockerHost, ['rm', '--force', '--volumes', container]);
    await rm(directory, {recursive: true, force: true});
  };
  try {
    await docker(bench.dockerHost, [
      'run', '--detach', '--name', container, '--network', 'host',
      '--mount', `type=bind,"source=${directory}",target=/data`,
      image, `--listen=${host}`, ...(options.appendOnly ? ['--append-only'] : []),
    ]);
    const answers = async () => (await fetch(`http://${host}/`).catch(() => undefined)) !== undefined;
    if (!(await waitUntil(answers, 30_000))) throw new Error(`${container} does not answer after 30 seconds`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {url: `rest:http://${host}/`, directory, container, stop};
}
