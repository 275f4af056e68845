import {TimetilesError} from '../shared/errors.ts';
import type {FileOwner} from './check-keys.ts';
import {gatherValues, placeOf, plainValues, type GivenValue} from './given.ts';
import {configFilesOf, homeOf} from './home.ts';
import {resticSecrets, resticVariables, secretKeys, type Key} from './keys.ts';
import {readConfigFile, type ConfigFile} from './read-file.ts';
import {settingsSchema, type Settings} from './settings.ts';

export interface Configuration {
  readonly settings: Settings;
  /** The keys that files or environment give a value; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  /** The installation directory, TIMETILES_HOME. */
  readonly home: string;
  /** The files that were read. */
  readonly files: readonly ConfigFile[];
  /** restic's own variables from files and environment, to be handed to it unchanged. */
  readonly resticEnvironment: Readonly<Record<string, string>>;
  /** Every secret value, for redaction. */
  readonly secrets: readonly string[];
}

export interface LoadRequest {
  /** `--config FILE`: read instead of the two files of the installation directory. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads `bootstrap.conf`, then `.env.production` in TIMETILES_HOME, then the environment; the later wins, an empty value
 * is no value.
 * @throws TimetilesError `configuration` that names file, line, key and remedy
 */
export function loadConfiguration(request: LoadRequest): Configuration {
  const {home, files, given, settings} = readConfiguration(request);
  const resticEnvironment = Object.fromEntries(Object.entries(plainValues(given)).filter(([key]) => resticVariables.has(key)));
  requirePassword(settings, resticEnvironment, request.file ?? configFilesOf(home).tool, files);
  return {settings, given: new Set(given.keys()), home, files, resticEnvironment, secrets: secretsOf(settings, resticEnvironment)};
}

/** A configuration as it was read, before anybody asks whether it is enough for a backup. */
export interface ReadConfiguration {
  readonly settings: Settings;
  /** Every value that files or environment give, and where it stands. */
  readonly given: ReadonlyMap<string, GivenValue>;
  readonly home: string;
  readonly files: readonly ConfigFile[];
}

/** The same without asking for a password. @throws TimetilesError `configuration` that names file, line, key and remedy */
export function readConfiguration(request: LoadRequest): ReadConfiguration {
  const home = homeOf(request.environment);
  const files = readFiles(request);
  const given = gatherValues(files, request.environment);
  const result = settingsSchema.safeParse(plainValues(given));
  if (result.success) return {settings: result.data, given, home, files};
  const [issue] = result.error.issues;
  const key = String(issue?.path[0]);
  throw new TimetilesError('configuration', `${placeOf(given.get(key))}: ${key} ${issue?.message}`, `Correct ${key} and run the command again.`);
}

/** Any of these says what the password of the repositories is. */
export const passwordKeys = ['RESTIC_PASSWORD', 'RESTIC_PASSWORD_FILE', 'RESTIC_PASSWORD_COMMAND'];

/** Whether a password for the repositories is in files or environment. @throws TimetilesError `configuration` when a file cannot be read */
export function isPasswordGiven(request: LoadRequest): boolean {
  const places = [request.environment, ...readFiles(request).map(({values}) => values)];
  return places.some((values) => passwordKeys.some((key) => Boolean(values[key])));
}

/** The files that a configuration is read from, the later wins, and whose rules hold for each. */
export function configurationPaths({file, environment}: LoadRequest): readonly {path: string; owner: FileOwner}[] {
  if (file !== undefined) return [{path: file, owner: 'tool'}];
  const {tool, app} = configFilesOf(homeOf(environment));
  return [{path: tool, owner: 'tool'}, {path: app, owner: 'app'}];
}

function readFiles(request: LoadRequest): ConfigFile[] {
  const files = configurationPaths(request).map(({path, owner}) => readConfigFile(path, owner)).filter((file) => file !== undefined);
  if (request.file !== undefined && files.length === 0) throw new TimetilesError('configuration', `${request.file} does not exist`, 'Name an existing file with --config.');
  return files;
}

function requirePassword(settings: Settings, restic: Record<string, string>, main: string, files: readonly ConfigFile[]): void {
  if (settings.RESTIC_PASSWORD !== undefined || passwordKeys.some((key) => restic[key])) return;
  const paths = files.map((file) => file.path).join(' and ');
  const where = files.length === 0 ? `${main} does not exist` : `${paths} ${files.length === 1 ? 'does' : 'do'} not set it`;
  throw new TimetilesError('configuration', `RESTIC_PASSWORD is not set (${where})`, `Write RESTIC_PASSWORD="…" into ${main}, mode 0600.`);
}

/** Every secret value of a configuration. */
export function secretsOf(settings: Settings, restic: Record<string, string>): string[] {
  const own = secretKeys.map((key: Key) => settings[key]);
  const inUrl = /:\/\/[^/@]*:([^/@]+)@/.exec(settings.RESTIC_OFFSITE_REPOSITORY ?? '')?.[1];
  return [...own, inUrl, ...resticSecrets.map((key) => restic[key])].filter((value) => typeof value === 'string');
}
