import {randomBytes} from 'node:crypto';
import {mkdir, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {docker, dockerLines} from './docker.ts';
import {startBareEngine} from './engine.ts';
import {imageFor} from './images.ts';
import {postgresAccess} from './postgres.ts';
import type {Stack} from './stack.ts';

/** A machine with an engine of its own that has nothing but, in time, two images, as the tool and the tests see it. */
export interface BareMachine {
  /** The origin's stack as it would be here: the same names, on this engine, with an empty installation directory. */
  readonly stack: Stack;
  /** Brings the images of database and app; before, there are none. */
  loadImages(): Promise<void>;
  /** Containers and volumes, by name. */
  inventory(): Promise<string[]>;
  /** Starts the web container by hand, as compose would. */
  startWeb(): Promise<void>;
  /** Everything but the images goes. */
  wipe(): Promise<void>;
  stop(): Promise<void>;
}

export async function startBareMachine(origin: Stack): Promise<BareMachine> {
  const engine = await startBareEngine();
  const {dockerHost} = engine;
  const scratch = join(origin.scratch, `bare-${randomBytes(3).toString('hex')}`);
  const home = join(scratch, 'install');
  const run: Stack['docker'] = (args, options) => docker(dockerHost, args, options);
  const {project, database, user, password} = origin;
  const root = (await run(['info', '--format', '{{.DockerRootDir}}'])).stdout.trim();
  const stack: Stack = {
    ...origin,
    ...postgresAccess(dockerHost, origin.postgres, {database, user, password}),
    bench: {...origin.bench, dockerHost},
    home,
    userHome: join(scratch, 'user'),
    repository: join(home, 'repository'),
    scratch,
    uploadsPath: join(root, 'volumes', `${project}_uploads`, '_data'),
    docker: run,
  };
  const images = [await imageFor(origin.bench.dockerHost, 'postgres'), await imageFor(origin.bench.dockerHost, 'web')];
  const loadImages = async () => {
    await execa('bash', ['-o', 'pipefail', '-c', 'docker save "$@" | docker --host "$TO" load --quiet', 'bash', ...images], {env: {DOCKER_HOST: origin.bench.dockerHost, TO: dockerHost}});
  };
  const wipe = async () => {
    const containers = await dockerLines(dockerHost, ['ps', '--all', '--quiet']);
    if (containers.length > 0) await run(['rm', '--force', '--volumes', ...containers]);
    const volumes = await dockerLines(dockerHost, ['volume', 'ls', '--quiet']);
    if (volumes.length > 0) await run(['volume', 'rm', ...volumes]);
    await rm(home, {recursive: true, force: true});
    await mkdir(home, {recursive: true, mode: 0o700});
    await mkdir(stack.userHome, {recursive: true});
  };
  await wipe();
  return {
    stack, loadImages, wipe,
    inventory: async () => [...(await dockerLines(dockerHost, ['ps', '--all', '--format', '{{.Names}}'])), ...(await dockerLines(dockerHost, ['volume', 'ls', '--format', '{{.Name}}']))].toSorted(),
    startWeb: async () => {
      const label = (key: string, value: string) => ['--label', `com.docker.compose.${key}=${value}`];
      const variables = {PGHOST: '/var/run/postgresql', PGUSER: user, PGPASSWORD: password, PGDATABASE: database, WEB_HEARTBEAT: '0'};
      await run([
        'run', '--detach', '--name', `${project}-web-1`, '--network', 'none', ...label('project', project), ...label('service', 'web'),
        ...Object.entries(variables).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
        '--mount', `type=volume,source=${project}_uploads,target=/app/uploads`,
        '--mount', `type=volume,source=${project}_socket,target=/var/run/postgresql`,
        images[1] ?? '',
      ]);
    },
    stop: () => engine.stop(),
  };
}
