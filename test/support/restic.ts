import {existsSync} from 'node:fs';
import {mkdir, rename, rm, symlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {docker} from './docker.ts';
import {imageFor} from './images.ts';
import {cacheDirectory} from './paths.ts';

/** Which restic a test runs: the oldest that is supported, the one in between, or the newest there is. */
export type ResticAge = 'oldest' | 'middle' | 'newest';

const directory = join(cacheDirectory, 'restic');

const ages: ResticAge[] = ['oldest', 'middle', 'newest'];

// The Debian suite that holds each: 0.14, 0.18, and 0.19 or newer.
const suites: Record<ResticAge, string> = {oldest: 'bookworm', middle: 'trixie', newest: 'sid'};

/** The path of each restic binary, fetched from Debian's archive on first use. */
export async function resticBinaries(dockerHost: string): Promise<Record<ResticAge, string>> {
  const paths = {oldest: pathOf('oldest'), middle: pathOf('middle'), newest: pathOf('newest')};
  const missing = ages.filter((age) => !existsSync(paths[age]));
  if (missing.length > 0) await fetchPackages(dockerHost, missing);
  return paths;
}

// Each sits alone in its directory, so that the directory can be put first on a PATH.
function pathOf(age: ResticAge): string {
  return join(directory, age, 'restic');
}

async function fetchPackages(dockerHost: string, wanted: ResticAge[]): Promise<void> {
  console.error(`Fetching restic (${wanted.join(', ')}) from Debian's archive …`);
  const incoming = join(directory, 'incoming');
  await rm(incoming, {recursive: true, force: true});
  await mkdir(incoming, {recursive: true});
  const image = await imageFor(dockerHost, 'debian');
  await docker(dockerHost, [
    'run', '--rm', '--network=host', '--volume', `${incoming}:/out`, image,
    'bash', '-euc', fetchScript, 'fetch', ...wanted.map((age) => suites[age]),
  ]);
  for (const age of wanted) {
    const version = await versionOf(join(incoming, suites[age]));
    await rename(join(incoming, suites[age]), join(directory, `restic-${version}`));
    await mkdir(dirname(pathOf(age)), {recursive: true});
    await rm(pathOf(age), {force: true});
    // Relative, so that the checkout may be moved.
    await symlink(`../restic-${version}`, pathOf(age));
  }
  await rm(incoming, {recursive: true, force: true});
}

// The archive's address is the one the image was made from: the only one in its apt configuration, of whatever format.
// Unstable's list is signed for a week only, and a mirror may be older than that.
const fetchScript = `
address=$(grep -rhoE 'https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d | head -n 1)
for suite in "$@"; do
  mkdir -p "/tmp/$suite/lists/partial" "/tmp/$suite/cache/archives/partial" "/tmp/$suite/package"
  echo "deb $address $suite main" >"/tmp/$suite/sources.list"
  options=(-o "Dir::Etc::SourceList=/tmp/$suite/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=/tmp/$suite/lists" -o "Dir::Cache=/tmp/$suite/cache"
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
  apt-get "\${options[@]}" update
  cd "/tmp/$suite/package"
  apt-get "\${options[@]}" download restic
  dpkg -x restic_*.deb .
  cp usr/bin/restic "/out/$suite"
done`;

async function versionOf(path: string): Promise<string> {
  const {stdout} = await execa(path, ['version']);
  const version = /^restic (\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${path} does not say which version it is: ${stdout}`);
  return version;
}
