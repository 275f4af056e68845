import {randomBytes} from 'node:crypto';
import {mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import type {Bench} from './bench.ts';
import {postgresAccess, type PostgresAccess} from './postgres.ts';
import {docker, type DockerOptions, type DockerResult} from './docker.ts';
import {dotenvText} from './dotenv.ts';
import {imageFor, type ImageName} from './images.ts';
import {scratchDirectory} from './paths.ts';
import {projectLabel, removeProject, serviceLabel, statesOf, waitHealthy} from './project.ts';
import {makeEmptyRepository} from './restic-crypto.ts';

/** What a stack is like; everything has a default. */
export interface StackOptions {
  project?: string;
  dbName?: string;
  dbUser?: string;
  dbPassword?: string;
  /** Whose names the postgres container's environment uses. */
  environment?: 'official' | 'kartoza';
  postgresImage?: ImageName;
  /** Further settings of the server, such as `['-c', 'max_connections=20']`. */
  postgresArguments?: string[];
  /** In memory the data is gone when the container stops; with a size it is a small disk. */
  databaseInMemory?: boolean | {mebibytes: number};
  /** A named volume, a directory of the stack's own, or a directory of the caller's. */
  uploads?: 'volume' | 'directory' | {hostDirectory: string};
  /** How many web containers: 1 unless told. */
  web?: number;
  /** Whether the web containers insert a row each second; on unless told. */
  heartbeat?: boolean;
  /** Whether the web containers write an upload each second; off unless told. */
  webWrites?: boolean;
}

/** A running stack as compose would have made it, with an installation directory beside it. */
export interface Stack extends PostgresAccess {
  bench: Bench;
  project: string;
  /** The name of the postgres container. */
  postgres: string;
  /** The names of the web containers. */
  web: string[];
  /** Undefined when the uploads are a directory of the host. */
  uploadsVolume: string | undefined;
  /** The uploads as the host sees them. */
  uploadsPath: string;
  /** The installation directory, mode 0700, for TIMETILES_HOME. */
  home: string;
  /** An empty HOME for the tool, so that restic's cache stays out of the machine's own. */
  userHome: string;
  /** Where a repository goes by default. */
  repository: string;
  /** A directory for whatever a test needs; it goes away with the stack. */
  scratch: string;
  /** Writes `bootstrap.conf` (or another file) into the installation directory; `undefined` leaves a key out. */
  writeConfig(overrides?: Record<string, string | undefined>, options?: {file?: string; mode?: number}): Promise<string>;
  docker(args: string[], options?: DockerOptions): Promise<DockerResult>;
  /** Waits until every container of the project that has a health check is healthy. */
  waitHealthy(limitSeconds?: number): Promise<void>;
  /** Service name and state of every container of the project, sorted: `postgres running`. */
  states(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Names and a password that break whatever quotes badly. */
export const awkwardNames = {
  dbName: `Time "tiles" $HOME's \\ ü`,
  // PostgreSQL itself refuses quotes, dollar signs and backslashes in the name of whoever installs an extension.
  dbUser: 'Web User #1 %20 ü',
  dbPassword: `p w'q"d$HOME\\n\`id\` %20@:/?#=ü`,
};

/** Starts postgres and web containers with compose's labels, and waits until they are healthy. */
export async function startStack(bench: Bench, options: StackOptions = {}): Promise<Stack> {
  const name = options.project ?? `bench${randomBytes(4).toString('hex')}`;
  const scratch = join(scratchDirectory, name);
  const home = join(scratch, 'install');
  const userHome = join(scratch, 'user');
  await mkdir(home, {recursive: true, mode: 0o700});
  await mkdir(userHome, {mode: 0o700});
  const access = {
    database: options.dbName ?? 'timetiles',
    user: options.dbUser ?? 'timetiles',
    password: options.dbPassword ?? 'bench-password',
  };
  const run: DockerRunner = (args, more) => docker(bench.dockerHost, args, more);
  const stop = async () => {
    await removeProject(bench.dockerHost, name);
    await rm(scratch, {recursive: true, force: true});
  };
  try {
    const uploads = await prepareUploads(run, name, scratch, options.uploads ?? 'volume');
    await startPostgres(bench, run, name, access, options);
    const web = await startWeb(bench, run, name, access, uploads.mount, options);
    const postgres = `${name}-postgres-1`;
    const repository = join(home, 'backups', 'restic-repo');
    const defaults: Record<string, string> = {
      RESTIC_PASSWORD: 'a bench password',
      RESTIC_REPOSITORY: repository,
      COMPOSE_PROJECT_NAME: name,
    };
    if (uploads.volume === undefined) defaults['UPLOAD_HOST_DIR'] = uploads.path;
    const stack: Stack = {
      ...postgresAccess(bench.dockerHost, postgres, access),
      bench, project: name, postgres, web, home, userHome, repository, scratch, stop,
      uploadsVolume: uploads.volume,
      uploadsPath: uploads.path,
      docker: run,
      states: () => statesOf(bench.dockerHost, name),
      waitHealthy: (limitSeconds = 60) => waitHealthy(bench.dockerHost, name, limitSeconds),
      writeConfig: configWriter(home, defaults),
    };
    await stack.waitHealthy();
    return stack;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Makes a stack's repository beforehand, with a key that costs nothing to derive: for tests that start restic often. */
export async function makeCheapRepository(stack: Stack, {password = 'a bench password', repository = stack.repository} = {}): Promise<void> {
  await makeEmptyRepository(repository, password);
}

type DockerRunner = (args: string[], options?: DockerOptions) => Promise<DockerResult>;

interface Credentials {
  database: string;
  user: string;
  password: string;
}

async function prepareUploads(
  run: DockerRunner,
  name: string,
  scratch: string,
  kind: NonNullable<StackOptions['uploads']>,
): Promise<{volume: string | undefined; path: string; mount: string}> {
  if (kind === 'volume') {
    const volume = `${name}_uploads`;
    await run(['volume', 'create', ...labels(name, {'com.docker.compose.volume': 'uploads'}), volume]);
    const {stdout} = await run(['volume', 'inspect', '--format', '{{.Mountpoint}}', volume]);
    return {volume, path: stdout.trimEnd(), mount: mount('volume', volume, '/app/uploads')};
  }
  const path = kind === 'directory' ? join(scratch, 'uploads') : kind.hostDirectory;
  await mkdir(path, {recursive: true});
  return {volume: undefined, path, mount: mount('bind', path, '/app/uploads')};
}

async function startPostgres(
  bench: Bench,
  run: DockerRunner,
  name: string,
  {database, user, password}: Credentials,
  options: StackOptions,
): Promise<void> {
  const image = await imageFor(bench.dockerHost, options.postgresImage ?? 'postgres');
  const environment =
    options.environment === 'kartoza'
      ? {POSTGRES_USER: user, POSTGRES_PASS: password, POSTGRES_DBNAME: database}
      : {POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database};
  const data = options.databaseInMemory
    ? ['--tmpfs', `/var/lib/postgresql/data:rw,mode=0700${typeof options.databaseInMemory === 'object' ? `,size=${options.databaseInMemory.mebibytes}m` : ''}`]
    : ['--mount', mount('volume', `${name}_postgres`, '/var/lib/postgresql/data')];
  for (const volume of [`${name}_postgres`, `${name}_socket`]) {
    const short = volume.slice(name.length + 1);
    await run(['volume', 'create', ...labels(name, {'com.docker.compose.volume': short}), volume]);
  }
  await run([
    'run', '--detach', '--name', `${name}-postgres-1`, '--network', 'none', '--shm-size', '256m',
    ...labels(name, {[serviceLabel]: 'postgres', 'com.docker.compose.container-number': '1'}),
    ...variables({...environment, POSTGRES_FSYNC: 'off'}),
    ...data,
    '--mount', mount('volume', `${name}_socket`, '/var/run/postgresql'),
    image,
    ...(options.postgresArguments ?? []),
  ]);
}

async function startWeb(
  bench: Bench,
  run: DockerRunner,
  name: string,
  {database, user, password}: Credentials,
  uploadsMount: string,
  options: StackOptions,
): Promise<string[]> {
  const image = await imageFor(bench.dockerHost, 'web');
  const names: string[] = [];
  for (let number = 1; number <= (options.web ?? 1); number += 1) {
    names.push(`${name}-web-${number}`);
    await run([
      'run', '--detach', '--name', `${name}-web-${number}`, '--network', 'none',
      ...labels(name, {[serviceLabel]: 'web', 'com.docker.compose.container-number': String(number)}),
      ...variables({
        PGHOST: '/var/run/postgresql', PGUSER: user, PGPASSWORD: password, PGDATABASE: database,
        PGCONNECT_TIMEOUT: '2',
        WEB_HEARTBEAT: options.heartbeat === false ? '0' : '1',
        WEB_WRITES: options.webWrites ? '1' : '0',
      }),
      '--mount', uploadsMount,
      '--mount', mount('volume', `${name}_socket`, '/var/run/postgresql'),
      image,
    ]);
  }
  return names;
}

function labels(name: string, more: Record<string, string>): string[] {
  const all = {[projectLabel]: name, 'com.docker.compose.oneoff': 'False', ...more};
  return Object.entries(all).flatMap(([key, value]) => ['--label', `${key}=${value}`]);
}

function variables(environment: Record<string, string>): string[] {
  return Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
}

// Docker reads this as a line of CSV, and a caller's directory may hold commas and quotes.
function mount(type: 'volume' | 'bind', source: string, target: string): string {
  return `type=${type},"source=${source.replaceAll('"', '""')}",target=${target}`;
}

/** What writes a configuration file into an installation directory: these values, and what a test lays over them. */
export function configWriter(home: string, defaults: Record<string, string>): Stack['writeConfig'] {
  return async (overrides = {}, {file = 'bootstrap.conf', mode = 0o600} = {}) => {
    const given = Object.entries({...defaults, ...overrides}).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const path = join(home, file);
    await rm(path, {force: true});
    await writeFile(path, dotenvText(Object.fromEntries(given)), {mode});
    return path;
  };
}
