import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {docker} from './docker.ts';
import {imageFor} from './images.ts';
import {cacheDirectory} from './paths.ts';

/**
 * Fetches one program from Debian's archive as several suites have it.
 * @returns a directory with one file for each suite, named like it; the caller takes them and removes the directory
 */
export async function fetchProgram(dockerHost: string, program: string, suites: string[]): Promise<string> {
  console.error(`Fetching ${program} (${suites.join(', ')}) from Debian's archive …`);
  const incoming = join(cacheDirectory, `incoming-${program}`);
  await rm(incoming, {recursive: true, force: true});
  await mkdir(incoming, {recursive: true});
  const image = await imageFor(dockerHost, 'debian');
  await docker(dockerHost, [
    'run', '--rm', '--network=host', '--volume', `${incoming}:/out`, image, 'bash', '-euc', fetchScript, 'fetch', program, ...suites,
  ]);
  return incoming;
}

// The archive's address is the one the image was made from: the only one in its apt configuration, of whatever format.
// Unstable's list is signed for a week only, and a mirror may be older than that.
const fetchScript = `
address=$(grep -rhoE 'https?://[^ ]+' /etc/apt/sources.list /etc/apt/sources.list.d | head -n 1)
program=$1
shift
for suite in "$@"; do
  mkdir -p "/tmp/$suite/lists/partial" "/tmp/$suite/cache/archives/partial" "/tmp/$suite/package"
  echo "deb $address $suite main" >"/tmp/$suite/sources.list"
  options=(-o "Dir::Etc::SourceList=/tmp/$suite/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=/tmp/$suite/lists" -o "Dir::Cache=/tmp/$suite/cache"
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root)
  apt-get "\${options[@]}" update
  cd "/tmp/$suite/package"
  apt-get "\${options[@]}" download "$program"
  dpkg -x "$program"_*.deb .
  cp "usr/bin/$program" "/out/$suite"
done`;
