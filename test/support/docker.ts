import {execa} from 'execa';

/** What `docker` was told, and what it said. */
export interface DockerResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** How to run `docker`: what it reads, and whether a failure is an answer rather than an error. */
export interface DockerOptions {
  input?: string | Uint8Array;
  mayFail?: boolean;
  env?: Record<string, string>;
  cwd?: string;
}

/** Runs the docker client against one engine and throws with its own words when it fails. */
export async function docker(dockerHost: string, args: string[], options: DockerOptions = {}): Promise<DockerResult> {
  const result = await execa('docker', args, {
    // The machine's own context and builder must not come in between.
    env: {...options.env, DOCKER_HOST: dockerHost, DOCKER_BUILDKIT: '0', DOCKER_CONTEXT: ''},
    ...(options.cwd === undefined ? {} : {cwd: options.cwd}),
    input: options.input ?? '',
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 256 * 1024 * 1024,
  });
  const answer = {exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr};
  if (answer.exitCode !== 0 && !options.mayFail) {
    const said = (answer.stderr + answer.stdout.slice(-4000)).trim();
    throw new Error(`docker ${args.slice(0, 2).join(' ')} failed (${answer.exitCode}): ${said || result.message}`);
  }
  return answer;
}

/** The words on each line of a docker command that lists ids or names. */
export async function dockerLines(dockerHost: string, args: string[]): Promise<string[]> {
  const {stdout} = await docker(dockerHost, args);
  return stdout.split('\n').filter((line) => line !== '');
}
