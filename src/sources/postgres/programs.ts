import type {DockerHandle} from '../../docker/client.ts';
import type {Container} from '../../docker/containers.ts';
import type {ExecRequest} from '../../docker/exec.ts';
import {optionsText, sessionSettings, type SessionTraits} from './session-settings.ts';

/** Sessions of this tool carry this name in pg_stat_activity, followed by the id of the run. */
export const applicationPrefix = 'timetiles-';

/** A way to the server from within its container. */
export interface Route {
  /** The socket's directory, or an address; default: the socket that PostgreSQL's programs know. */
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  /** The user of the operating system that the programs run as; default: the image's. */
  readonly osUser?: string | undefined;
  /** Where the programs of the server's own version lie; default: on the PATH. */
  readonly programs?: string | undefined;
}

/** Whom to be in which database, and how to come there. */
export interface Access {
  readonly docker: DockerHandle;
  readonly container: Container;
  readonly database: string;
  readonly user: string;
  /** Undefined where none is known: the container may let its own in without one. */
  readonly password: string | undefined;
  readonly route: Route;
  /** Undefined until the server has told. */
  readonly server?: SessionTraits;
}

export interface SessionOptions {
  /** Default: the connection's database. */
  readonly database?: string | undefined;
  /** The id of the run, by which leftover sessions are found. */
  readonly run: string;
  /** Settings of the session beside ours, or instead of them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Settings that stay what database, role and server have made them. */
  readonly leaves?: readonly string[];
}

/**
 * The environment of PostgreSQL's programs. Names and password travel here and not in an argv; PGDATABASE is never
 * taken for a connection string. What the operator set for the app must not end, hide or change anything in a session of ours.
 */
function postgresEnvironment(access: Access, options: SessionOptions): Record<string, string> {
  const {route, container} = access;
  const left = new Set(options.leaves);
  const settings = Object.entries({...sessionSettings(access.server), ...options.settings}).filter(([name]) => !left.has(name));
  return {
    ...variable('PGHOST', route.host, container),
    ...variable('PGHOSTADDR', undefined, container),
    ...variable('PGPORT', route.port, container),
    PGUSER: access.user,
    PGDATABASE: options.database ?? access.database,
    ...(access.password === undefined ? {} : {PGPASSWORD: access.password}),
    PGAPPNAME: `${applicationPrefix}${options.run}`,
    PGCONNECT_TIMEOUT: '30',
    PGOPTIONS: optionsText(Object.fromEntries(settings)),
    // The words of the programs themselves.
    LC_ALL: 'C',
  };
}

/** One that the container has for its own ends is made empty, so that it leads nowhere else. Debian's wrapper takes a given host for another machine. */
function variable(name: string, value: string | undefined, container: Container): Record<string, string> {
  return value === undefined && !(name in container.environment) ? {} : {[name]: value ?? ''};
}

/** How to run a program of PostgreSQL's in the container, to be completed with its streams. */
export function programRequest(access: Access, [program, ...args]: readonly [string, ...string[]], options: SessionOptions): Pick<ExecRequest, 'container' | 'user' | 'command' | 'environment'> {
  return {
    container: access.container.id,
    user: access.route.osUser,
    command: [programPath(access.route, program), ...args],
    environment: postgresEnvironment(access, options),
  };
}

/** psql for scripts on its stdin, which never asks for a password: it would read the script for one. */
export function psqlRequest(access: Access, options: SessionOptions, args: readonly string[] = []): ReturnType<typeof programRequest> {
  const command = ['psql', '--no-psqlrc', '--no-password', '--no-align', '--tuples-only', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose', ...args] as const;
  const request = programRequest(access, command, options);
  return {...request, environment: {...request.environment, PGCLIENTENCODING: 'UTF8'}};
}

export function programPath({programs}: Route, program: string): string {
  return programs === undefined ? program : `${programs}/${program}`;
}
