import {mkdir, mkdtemp, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {scratchDirectory} from './paths.ts';

/**
 * What to put before a command so that these names mean this machine to it and to all it starts. The command gets a
 * view of its own of one file; the machine's stays as it is.
 */
export async function withHosts(names: string[]): Promise<[string, ...string[]]> {
  await mkdir(scratchDirectory, {recursive: true});
  const file = join(await mkdtemp(join(scratchDirectory, 'hosts-')), 'hosts');
  const machine = await readFile('/etc/hosts', 'utf8').catch(() => '');
  await writeFile(file, `127.0.0.1 ${names.join(' ')}\n${machine}`, {mode: 0o644});
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file];
}
