import {randomBytes, randomInt} from 'node:crypto';
import {chmod, chown, cp, mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bench} from './bench.ts';
import {docker, type DockerResult} from './docker.ts';
import {imageFor, type ImageName} from './images.ts';
import {checkout, scratchDirectory} from './paths.ts';
import {freePort} from './ports.ts';
import {postgresAccess} from './postgres.ts';
import {containersOf, removeProject, statesOf, waitHealthy} from './project.ts';
import {configWriter, type Stack} from './stack.ts';

/** What a stack of compose is like; everything has a default. */
export interface ComposeOptions {
  project?: string;
  /** The text of a further compose file, laid over that of the project. */
  override?: string;
  /** Further images that the files name, and what stands in for each. */
  images?: Record<string, ImageName>;
  dbPassword?: string;
  /** How the tests reach the server by `docker exec`, where an override has changed it. */
  access?: {database?: string; user?: string; host?: string; port?: string};
}

/** A stack that compose itself has made. */
export interface ComposeStack extends Stack {
  /** Where the compose file lies. */
  directory: string;
  /** Runs compose as its operator does, with the files of the project. */
  compose(args: string[], options?: {mayFail?: boolean}): Promise<DockerResult>;
}

/** A project of `test/fixtures/compose`. */
interface Fixture {
  /** The arguments that compose needs. */
  files: string[];
  service: string;
  images: Record<string, ImageName>;
  access: {database: string; user: string; host?: string; port?: string};
  /** The volume of the uploads, or their directory, below that of the project. */
  uploads: {volume: string} | {directory: string};
  /** Whether the installation directory is that of the project itself. */
  isInstalledThere: boolean;
  prepare(directory: string, facts: {project: string; password: string}): Promise<void>;
}

const fixtures = {
  timetiles: {
    files: ['--file', 'docker-compose.prod.yml', '--env-file', '.env.production'],
    service: 'postgres',
    images: {'kartoza/postgis:17-3.5': 'postgresDebianLayout', 'timetiles/app:edge': 'web', 'nginx:1.27-alpine': 'idle', 'certbot/certbot:v3.3.0': 'idle'},
    access: {database: 'timetiles', user: 'timetiles_user', host: 'localhost'},
    uploads: {directory: 'uploads'},
    isInstalledThere: true,
    prepare: prepareTimetiles,
  },
  ordinary: {
    files: [],
    service: 'db',
    images: {'postgres:17': 'postgresOfficial', 'blog:latest': 'web'},
    access: {database: 'blog', user: 'blog'},
    uploads: {volume: 'media'},
    isInstalledThere: false,
    prepare: (directory, {password}) => writeFile(join(directory, 'db_password.txt'), `${password}\n`),
  },
} satisfies Record<string, Fixture>;

/** Starts a project in the shape of TimeTiles' own deployment, or an ordinary one, by `docker compose up -d`, and waits until it is healthy. */
export async function startComposeStack(bench: Bench, kind: keyof typeof fixtures, options: ComposeOptions = {}): Promise<ComposeStack> {
  const fixture: Fixture = fixtures[kind];
  const {dockerHost} = bench;
  const project = options.project ?? `${kind}${randomBytes(3).toString('hex')}`;
  const password = options.dbPassword ?? randomBytes(12).toString('hex');
  const scratch = join(scratchDirectory, project);
  const directory = join(scratch, 'app');
  const home = fixture.isInstalledThere ? directory : join(scratch, 'install');
  const userHome = join(scratch, 'user');
  for (const path of [directory, home, userHome]) await mkdir(path, {recursive: true, mode: 0o700});
  await cp(join(checkout, 'test/fixtures/compose', kind), directory, {recursive: true});
  await fixture.prepare(directory, {project, password});
  const files = await withOverride(directory, fixture.files, options.override);
  const compose: ComposeStack['compose'] = (args, more = {}) =>
    docker(dockerHost, ['compose', '--project-directory', directory, ...files, '--project-name', project, ...args], {...more, cwd: directory, env: {DOCKER_CONFIG: bench.dockerConfig}});
  const stop = async () => {
    await removeProject(dockerHost, project);
    await rm(scratch, {recursive: true, force: true});
  };
  try {
    for (const [name, image] of Object.entries({...fixture.images, ...options.images})) {
      await docker(dockerHost, ['tag', await imageFor(dockerHost, image), name]);
    }
    await compose(['up', '--detach', '--pull', 'never']);
    await waitHealthy(dockerHost, project, 120);
    const [postgres = ''] = await containersOf(dockerHost, project, fixture.service);
    const repository = join(home, 'backups', 'restic-repo');
    // Where a repository is by default, this machine may have one of its own.
    const defaults = {RESTIC_PASSWORD: 'a bench password', COMPOSE_PROJECT_NAME: project, RESTIC_REPOSITORY: repository};
    return {
      ...postgresAccess(dockerHost, postgres, {...fixture.access, ...options.access, password}),
      ...(await uploadsOf(dockerHost, project, directory, fixture.uploads)),
      bench, project, postgres, home, userHome, repository, scratch, directory, compose, stop,
      web: await containersOf(dockerHost, project, 'web'),
      docker: (args, more) => docker(dockerHost, args, more),
      states: () => statesOf(dockerHost, project),
      waitHealthy: (limitSeconds = 60) => waitHealthy(dockerHost, project, limitSeconds),
      // The app's own file has it all already.
      writeConfig: configWriter(home, fixture.isInstalledThere ? {} : defaults),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function withOverride(directory: string, files: string[], override: string | undefined): Promise<string[]> {
  if (override === undefined) return files;
  await writeFile(join(directory, 'compose.override.yaml'), override);
  // Without `--file`, compose takes it by itself.
  return files.length === 0 ? files : [...files, '--file', 'compose.override.yaml'];
}

async function uploadsOf(dockerHost: string, project: string, directory: string, uploads: Fixture['uploads']): Promise<Pick<Stack, 'uploadsVolume' | 'uploadsPath'>> {
  if ('directory' in uploads) return {uploadsVolume: undefined, uploadsPath: join(directory, uploads.directory)};
  const volume = `${project}_${uploads.volume}`;
  const {stdout} = await docker(dockerHost, ['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
  return {uploadsVolume: volume, uploadsPath: stdout.trimEnd()};
}

/** What the bootstrap of TimeTiles leaves: directories, and a file with its values that belongs to the app's own user. */
async function prepareTimetiles(directory: string, {project, password}: {project: string; password: string}): Promise<void> {
  const appUser = 1001;
  for (const name of ['uploads', 'exports', 'logs', 'config', 'nginx/sites-enabled']) {
    await mkdir(join(directory, name), {recursive: true, mode: 0o755});
    await chown(join(directory, name), appUser, appUser);
  }
  await writeFile(join(directory, 'nginx/nginx.conf'), 'events {}\n');
  const values: Record<string, string> = {
    PROJECT: project,
    DB_PASSWORD: password,
    HOME: directory,
    PAYLOAD_SECRET: randomBytes(32).toString('base64'),
    RESTIC_PASSWORD: `${randomBytes(30).toString('base64')}/==`,
    // Within the range that the server lets in, and one for each stack.
    SUBNET: `172.${randomInt(16, 32)}.${randomInt(256)}.0/24`,
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(await freePort()),
  };
  const template = join(directory, 'env.production');
  const file = join(directory, '.env.production');
  const text = (await readFile(template, 'utf8')).replaceAll(/@([A-Z_]+)@/g, (_, key: string) => values[key] ?? '');
  await writeFile(template, text, {mode: 0o600});
  await chmod(template, 0o600);
  await chown(template, appUser, appUser);
  await rename(template, file);
}
