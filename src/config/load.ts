import {existsSync} from 'node:fs';
import {dirname, join, resolve} from 'node:path';
import {TimetilesError} from '../shared/errors.ts';
import {gatherValues, placeOf, plainValues, unexpandedError, type GivenFile, type GivenValue} from './given.ts';
import {guardSettings} from './guarded.ts';
import {configFilesOf, homeOf, stateDirectoryOf} from './home.ts';
import {resticVariables} from './keys.ts';
import type {FileOwner} from './parse.ts';
import {readConfigFile, type ConfigFile} from './read-file.ts';
import {resolveFiles} from './resolve.ts';
import {settingsSchema, type Settings} from './settings.ts';
import {commandVariables, secretsOf} from './variables.ts';

export interface Configuration {
  /** Reading one that could not be expanded is an error. */
  readonly settings: Settings;
  /** The keys that files or environment give a value; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  /** The installation directory, TIMETILES_HOME. */
  readonly home: string;
  /** Where a relative UPLOAD_HOST_DIR begins, if nobody knows better: where it stands. */
  readonly baseDirectory: string;
  /** The files that were read. */
  readonly files: readonly ReadFile[];
  /** restic's own variables from files and environment, to be handed to it unchanged. */
  readonly resticEnvironment: Readonly<Record<string, string>>;
  /** What the operator's own commands refer to. */
  readonly commandVariables: Readonly<Record<string, string>>;
  /** What could not be expanded, an error each. */
  readonly unexpanded: ReadonlyMap<string, TimetilesError>;
  /** Every secret value, for redaction. */
  readonly secrets: readonly string[];
}

export type ReadFile = ConfigFile & GivenFile;

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
  requirePassword(given, request, files);
  const unexpanded = [...given].flatMap(([key, found]) => (found.problem === undefined ? [] : [[key, unexpandedError(key, found, found.problem)] as const]));
  return {
    settings,
    given: new Set(given.keys()),
    home,
    baseDirectory: directoryOf(given.get('UPLOAD_HOST_DIR'), home),
    files,
    resticEnvironment,
    commandVariables: commandVariables(given, files, request.environment),
    unexpanded: new Map(unexpanded),
    secrets: secretsOf(given, files, request.environment),
  };
}

function directoryOf(given: GivenValue | undefined, home: string): string {
  return given?.origin.kind === 'file' ? dirname(resolve(given.origin.file)) : home;
}

/** A configuration as it was read, before anybody asks whether it is enough for a backup. */
export interface ReadConfiguration {
  readonly settings: Settings;
  /** Every value that files or environment give, and where it stands. */
  readonly given: ReadonlyMap<string, GivenValue>;
  readonly home: string;
  readonly files: readonly ReadFile[];
}

/** Every command needs these, so that what keeps them from being expanded is told at once. restic's own variables are handed on as a whole. */
const neededAlways = new Set(['RESTIC_PASSWORD', 'RESTIC_REPOSITORY', 'COMPOSE_PROJECT_NAME', 'LOG_DIR', ...resticVariables]);

/** The same without asking for a password. @throws TimetilesError `configuration` that names file, line, key and remedy */
export function readConfiguration(request: LoadRequest): ReadConfiguration {
  const home = homeOf(request.environment);
  const files = readFiles(request);
  const given = gatherValues(files, request.environment);
  for (const [key, found] of given) {
    if (found.problem !== undefined && neededAlways.has(key)) throw unexpandedError(key, found, found.problem);
  }
  const password = given.get('RESTIC_PASSWORD');
  if (password?.isReadAnew === true) throw new TimetilesError('configuration', `${placeOf(password)}: ${readAnew.message}`, readAnew.next);
  const result = settingsSchema.safeParse(plainValues(given));
  if (result.success) return {settings: guardSettings(result.data, given), given, home, files};
  const [issue] = result.error.issues;
  const key = String(issue?.path[0]);
  throw new TimetilesError('configuration', `${placeOf(given.get(key))}: ${key} ${issue?.message}`, `Correct ${key} and run the command again.`);
}

/** A password that is read differently than before would open nothing that was made with it, so nobody guesses which is meant. */
export const readAnew = {
  message: 'RESTIC_PASSWORD holds a $ or a \\ outside of single quotes, where it does not stand for itself',
  next: "Put exactly what the password is into single quotes: RESTIC_PASSWORD='…'. With a single quote in it, write it into a file and name that with RESTIC_PASSWORD_FILE.",
};

/** Any of these says what the password of the repositories is. */
export const passwordKeys = ['RESTIC_PASSWORD', 'RESTIC_PASSWORD_FILE', 'RESTIC_PASSWORD_COMMAND'];

/** Whether a password for the repositories is in files or environment. @throws TimetilesError `configuration` when a file cannot be read */
export function isPasswordGiven(request: LoadRequest): boolean {
  const given = gatherValues(readFiles(request), request.environment);
  return passwordKeys.some((key) => given.has(key));
}

/** The files that a configuration is read from, the later wins, and whose rules hold for each. */
export function configurationPaths({file, environment}: LoadRequest): readonly {path: string; owner: FileOwner}[] {
  if (file !== undefined) return [{path: file, owner: 'tool'}];
  const {tool, app} = configFilesOf(homeOf(environment));
  return [{path: tool, owner: 'tool'}, {path: app, owner: 'app'}];
}

function readFiles(request: LoadRequest): ReadFile[] {
  const files = configurationPaths(request).map(({path, owner}) => readConfigFile(path, owner)).filter((file) => file !== undefined);
  if (request.file !== undefined && files.length === 0) throw new TimetilesError('configuration', `${request.file} does not exist`, 'Name an existing file with --config.');
  return withValues(files, request.environment);
}

/** The same files with their references expanded. */
export function withValues(files: readonly ConfigFile[], environment: LoadRequest['environment']): ReadFile[] {
  const resolved = resolveFiles(files, environment);
  return files.map((file, index) => ({...file, values: resolved[index] ?? new Map()}));
}

function requirePassword(given: ReadonlyMap<string, GivenValue>, request: LoadRequest, files: readonly ConfigFile[]): void {
  if (passwordKeys.some((key) => given.has(key))) return;
  const home = homeOf(request.environment);
  const {tool, app} = configFilesOf(home);
  const main = request.file ?? tool;
  const paths = files.map((file) => file.path).join(' and ');
  const where = files.length === 0 ? `${main} does not exist` : `${paths} ${files.length === 1 ? 'does' : 'do'} not set it`;
  // Bootstrap writes the password into the file of the app: where that is gone, another password would open nothing.
  const isLost = request.file === undefined && !existsSync(app) && existsSync(join(stateDirectoryOf(home), 'bootstrap.steps'));
  if (isLost) {
    throw new TimetilesError('configuration', `RESTIC_PASSWORD is not set (${where}, and ${app}, where bootstrap writes it, does not exist)`, `Put ${app} back, or write the password that was used so far into ${main}, mode 0600: it is in your password manager or with the emergency kit. No other one opens the backups.`);
  }
  const elsewhere = request.file === undefined && files.length === 0 ? ` If timetiles is installed in another directory: export TIMETILES_HOME=DIRECTORY` : '';
  throw new TimetilesError('configuration', `RESTIC_PASSWORD is not set (${where})`, `Write RESTIC_PASSWORD="…" into ${main}, mode 0600.${elsewhere}`);
}
