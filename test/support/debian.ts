import {readdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';

/** Makes a Debian image without an image registry: mmdebstrap's tar stream goes straight into the engine. */
export async function importDebian(dockerHost: string, suite: string, tag: string, change: string): Promise<void> {
  const mirror = await machineMirror();
  const certificates = mirror?.startsWith('https:') ? ['--include=ca-certificates'] : [];
  const slim = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*'];
  const debootstrap = execa(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=minbase',
      ...certificates,
      // Also holds for the packages that are installed into the image later.
      ...slim.map((path) => `--dpkgopt=path-exclude=${path}`),
      suite,
      '-',
      ...(mirror ? [`deb ${mirror} ${suite} main`] : []),
    ],
    {stdin: 'ignore', buffer: {stdout: false}},
  );
  const load = execa('docker', ['import', '--change', change, '-', tag], {env: {DOCKER_HOST: dockerHost}});
  // A failed mmdebstrap must not end in an image: `pipe` fails with whichever failed.
  await debootstrap.pipe(load);
}

/**
 * The Debian archive this machine itself uses, from its apt configuration in either format. Another distribution's
 * archive does not hold Debian, so there mmdebstrap's own default is right.
 */
async function machineMirror(): Promise<string | undefined> {
  for (const file of await sourceFiles()) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => !/^\s*#/.test(line));
    // Archives of other projects use the same suite names; the path tells Debian's own.
    const address = /https?:\/\/\S+\/debian\/?(?=\s|$)/.exec(lines.join('\n'))?.[0];
    if (address !== undefined) return address;
  }
  return undefined;
}

async function sourceFiles(): Promise<string[]> {
  const directory = '/etc/apt/sources.list.d';
  const names = await readdir(directory).catch(() => []);
  const parts = names.filter((name) => /\.(list|sources)$/.test(name)).toSorted();
  return ['/etc/apt/sources.list', ...parts.map((name) => join(directory, name))];
}
