import {existsSync} from 'node:fs';
import {mkdir, rename, rm, symlink} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {execa} from 'execa';
import {fetchProgram} from './debian-program.ts';
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
  if (missing.length > 0) await fetchRestic(dockerHost, missing);
  return paths;
}

// Each sits alone in its directory, so that the directory can be put first on a PATH.
function pathOf(age: ResticAge): string {
  return join(directory, age, 'restic');
}

async function fetchRestic(dockerHost: string, wanted: ResticAge[]): Promise<void> {
  const incoming = await fetchProgram(dockerHost, 'restic', wanted.map((age) => suites[age]));
  for (const age of wanted) {
    const version = await versionOf(join(incoming, suites[age]));
    await mkdir(dirname(pathOf(age)), {recursive: true});
    await rename(join(incoming, suites[age]), join(directory, `restic-${version}`));
    await rm(pathOf(age), {force: true});
    // Relative, so that the checkout may be moved.
    await symlink(`../restic-${version}`, pathOf(age));
  }
  await rm(incoming, {recursive: true, force: true});
}

async function versionOf(path: string): Promise<string> {
  const {stdout} = await execa(path, ['version']);
  const version = /^restic (\d+\.\d+(\.\d+)?)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${path} does not say which version it is: ${stdout}`);
  return version;
}
