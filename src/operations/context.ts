import {stateDirectoryOf} from '../config/home.ts';
import type {Configuration} from '../config/load.ts';
import {withSettings} from '../config/guarded.ts';
import type {Settings} from '../config/settings.ts';
import {connectDocker, type DockerHandle} from '../docker/client.ts';
import {createResticHandle} from '../restic/handle.ts';
import {resticVersion, type ResticVersion} from '../restic/version.ts';
import type {Clock} from '../shared/clock.ts';
import type {Log} from '../shared/log.ts';
import {keepRecentLines} from '../shared/recent-log.ts';
import {createRedactor} from '../shared/redact.ts';
import type {SourceContext} from '../sources/source.ts';

/** What every operation gets: the configuration and the real parts, each connected when it is first needed. */
export interface Context extends SourceContext {
  readonly configuration: Configuration;
  /** Where this tool keeps what it must remember on this host. */
  readonly stateDirectory: string;
  readonly toolVersion: string;
  /** The last lines of the log, without secrets, for alerts. */
  recentLines(): readonly string[];
}

export interface ContextParts {
  readonly toolVersion: string;
  readonly configuration: Configuration;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** More than these belong into the log itself. */
const linesInAlerts = 20;

export function createContext(parts: ContextParts): Context {
  const {configuration, environment, clock, signal} = parts;
  const {settings} = configuration;
  const recent = keepRecentLines(parts.log, createRedactor(configuration.secrets), linesInAlerts);
  let docker: Promise<DockerHandle> | undefined;
  let version: Promise<ResticVersion> | undefined;
  const restic = createResticHandle({
    repository: settings.RESTIC_REPOSITORY,
    password: settings.RESTIC_PASSWORD,
    variables: configuration.resticEnvironment,
    signal,
  });
  return {
    toolVersion: parts.toolVersion,
    configuration,
    settings,
    baseDirectory: configuration.baseDirectory,
    stateDirectory: stateDirectoryOf(configuration.home),
    restic,
    log: recent.log,
    recentLines: () => recent.recentLines(),
    clock,
    signal,
    docker: () => (docker ??= connectDocker({...environment, DOCKER_HOST: settings.DOCKER_HOST}, signal)),
    resticVersion: () => (version ??= resticVersion(restic)),
  };
}

/** The same context for work that must be finished although the operator pressed Ctrl-C: undoing, starting the app again. */
export function uninterruptible(context: Context): Context {
  const {signal: _, ...restic} = context.restic;
  return {
    ...context,
    restic,
    signal: new AbortController().signal,
    docker: async () => ({...(await context.docker()), signal: undefined}),
  };
}

/** The same context on another stack: other container, database or volume than the configuration names. */
export function onStack(context: Context, settings: Partial<Settings>): Context {
  return {...context, settings: withSettings(context.settings, settings)};
}
