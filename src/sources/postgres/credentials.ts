import type {DockerHandle} from '../../docker/client.ts';
import type {Container} from '../../docker/containers.ts';
import {runExec} from '../../docker/exec.ts';
import {TimetilesError} from '../../shared/errors.ts';
import type {SourceContext} from '../source.ts';
import {readDatabaseNames} from './database-names.ts';
import {loginSettings} from './server.ts';

/** The names that images give to the same things: the official one's and its heirs', kartoza's, Bitnami's, Red Hat's. */
const names = {
  user: ['POSTGRES_USER', 'POSTGRESQL_USERNAME', 'POSTGRESQL_USER'],
  password: ['POSTGRES_PASSWORD', 'POSTGRES_PASS', 'POSTGRESQL_PASSWORD'],
  database: ['POSTGRES_DB', 'POSTGRES_DBNAME', 'POSTGRESQL_DATABASE'],
} as const;

/** A password that cannot be read is none: the server may let its own container in without one. */
type Unreadable = 'is an error' | 'counts for nothing';

export interface Credentials {
  readonly user: string;
  /** Whether the configuration names the user. */
  readonly isUserGiven: boolean;
  readonly password: string | undefined;
  readonly database: string;
}

/** Learns user, password and main database from the configuration or the container's environment and secrets. */
export async function readCredentials(context: SourceContext, docker: DockerHandle, container: Container): Promise<Credentials> {
  const settings = loginSettings(context.settings, container);
  const learn = (what: keyof typeof names, unreadable: Unreadable) => fromEnvironment(docker, container, names[what], unreadable);
  const [configured] = readDatabaseNames(settings.DB_NAME).names;
  const [user, password, database] = await Promise.all([
    settings.DB_USER ?? learn('user', 'is an error'),
    settings.DB_PASSWORD ?? learn('password', 'counts for nothing'),
    configured ?? learn('database', 'is an error'),
  ]);
  const who = user ?? 'postgres';
  // kartoza's images take a list of names, of which the first is the main one.
  const isList = configured === undefined && database === container.environment['POSTGRES_DBNAME'] && database !== container.environment['POSTGRES_DB'];
  return {user: who, isUserGiven: settings.DB_USER !== undefined, password, database: (isList ? database?.split(',')[0]?.trim() : database) ?? who};
}

/** Whose names a container's environment uses: kartoza's, or those of the official image, which are enough by themselves. */
export function usesKartozaNames(environment: Readonly<Record<string, string>>): boolean {
  return !('POSTGRES_PASSWORD' in environment) && ('POSTGRES_PASS' in environment || 'POSTGRES_DBNAME' in environment);
}

async function fromEnvironment(docker: DockerHandle, container: Container, keys: readonly string[], unreadable: Unreadable): Promise<string | undefined> {
  const {environment} = container;
  const value = keys.map((key) => environment[key]).find((text) => text !== undefined && text !== '');
  if (value !== undefined) return value;
  const path = keys.map((key) => environment[`${key}_FILE`]).find((text) => text !== undefined && text !== '');
  if (path === undefined) return undefined;
  const result = await runExec(docker, {container: container.id, command: ['cat', path], environment: {}, limit: 30});
  if (result.exitCode === 0) return result.stdout.replace(/[\r\n]+$/, '');
  if (unreadable === 'counts for nothing') return undefined;
  throw new TimetilesError('container', `${path} in the container ${container.name} cannot be read`, 'Set DB_USER, DB_NAME and DB_PASSWORD in the configuration.');
}
