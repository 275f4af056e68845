import {execa} from 'execa';
import {docker} from './docker.ts';

/** What a dump of a database amounts to: equal digests are equal databases. */
interface DumpDigest {
  sha256: string;
  bytes: number;
}

/** Ways to talk to the postgres of a stack, as the user that its environment names. */
export interface PostgresAccess {
  database: string;
  user: string;
  password: string;
  /** Runs SQL that must succeed and answers with bare rows, columns separated by `|`. */
  psql(sql: string, options?: PsqlOptions): Promise<string>;
  /** A plain dump without what differs from run to run, hashed in the container and written to a file if asked. */
  pgDump(options?: DumpOptions): Promise<DumpDigest>;
}

/** Which database, and variables for psql to quote as `:'name'` or `:"name"`. */
interface PsqlOptions {
  database?: string;
  variables?: Record<string, string>;
}

/** Which database, what to leave out, and where a readable copy goes. */
interface DumpOptions {
  database?: string;
  /** Keep the web container's heartbeat in; left out otherwise, since it grows by the second. */
  heartbeat?: boolean;
  to?: string;
}

/** Access to one postgres container, over its socket unless told, with a password as the server demands. */
export function postgresAccess(
  dockerHost: string,
  container: string,
  {host, port, ...credentials}: {database: string; user: string; password: string; host?: string; port?: string},
): PostgresAccess {
  const exec = (database: string | undefined) => [
    'exec', '--interactive',
    '--env', `PGUSER=${credentials.user}`,
    '--env', `PGPASSWORD=${credentials.password}`,
    // By environment, because a database given as an argument may be taken for a connection string.
    '--env', `PGDATABASE=${database ?? credentials.database}`,
    ...(host === undefined ? [] : ['--env', `PGHOST=${host}`]),
    ...(port === undefined ? [] : ['--env', `PGPORT=${port}`]),
    container,
  ];
  return {
    ...credentials,
    psql: async (sql, options = {}) => {
      const given = Object.entries(options.variables ?? {}).flatMap(([key, value]) => ['-v', `${key}=${value}`]);
      const command = ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...given];
      const {stdout} = await docker(dockerHost, [...exec(options.database), ...command], {input: sql});
      return stdout.replace(/\n$/, '');
    },
    pgDump: (options = {}) => digestDump(dockerHost, exec(options.database), options),
  };
}

// Newer versions of pg_dump write a random token at both ends.
const dumpCommand = `pg_dump "$@" | sed '/^\\\\\\(un\\)\\?restrict [A-Za-z0-9]*$/d'`;
const countCommand = `${dumpCommand} | tee >(wc -c >&2) | sha256sum`;

async function digestDump(dockerHost: string, exec: string[], options: DumpOptions): Promise<DumpDigest> {
  const args = options.heartbeat ? [] : ['--exclude-table=public.web_heartbeat'];
  const run = (script: string) => [...exec, 'bash', '-o', 'pipefail', '-c', script, 'pg_dump', ...args];
  if (options.to !== undefined) {
    await execa('docker', run(dumpCommand), {env: {DOCKER_HOST: dockerHost}, stdout: {file: options.to}});
  }
  const {stdout, stderr} = await docker(dockerHost, run(countCommand));
  return {sha256: stdout.slice(0, 64), bytes: Number(/^(\d+)$/m.exec(stderr)?.[1] ?? Number.NaN)};
}
