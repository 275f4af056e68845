import {existsSync} from 'node:fs';
import {chmod, mkdir, rename, rm} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {fetchProgram} from './debian-program.ts';
import {cacheDirectory} from './paths.ts';

/**
 * Compose itself, Debian's, as a plugin of the docker client that the machine's own configuration knows nothing of; fetched
 * from Debian's archive on first use.
 * @returns the directory for DOCKER_CONFIG
 */
export async function composeConfig(dockerHost: string): Promise<string> {
  const config = join(cacheDirectory, 'docker-config');
  const plugin = join(config, 'cli-plugins', 'docker-compose');
  if (existsSync(plugin)) return config;
  const incoming = await fetchProgram(dockerHost, 'docker-compose', ['trixie']);
  await mkdir(dirname(plugin), {recursive: true});
  await chmod(join(incoming, 'trixie'), 0o755);
  await rename(join(incoming, 'trixie'), plugin);
  await rm(incoming, {recursive: true, force: true});
  return config;
}
