import {TimetilesError} from '../shared/errors.ts';
import {configFilesOf, homeOf} from './home.ts';
import {knownKeys, resticSecrets, resticVariables, secretKeys, type Key} from './keys.ts';
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
  const home = homeOf(request.environment);
  const files = readFiles(home, request.file);
  const values: Record<string, string> = {};
  const origins: Record<string, string> = {};
  const take = (key: string, value: string | undefined, origin: string) => {
    if (value === undefined || (!knownKeys.has(key) && !resticVariables.has(key))) return;
    values[key] = value;
    origins[key] = origin;
  };
  for (const file of files) {
    for (const [key, value] of Object.entries(file.values)) take(key, value, `${file.path} line ${file.lines[key]}`);
  }
  for (const [key, value] of Object.entries(request.environment)) take(key, value, 'the environment');

  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
  const result = settingsSchema.safeParse(given);
  if (!result.success) {
    const [issue] = result.error.issues;
    const key = String(issue?.path[0]);
    const origin = origins[key] ?? 'the configuration';
    throw new TimetilesError('configuration', `${origin}: ${key} ${issue?.message}`, `Correct ${key} and run the command again.`);
  }
  const resticEnvironment = Object.fromEntries(Object.entries(given).filter(([key]) => resticVariables.has(key)));
  requirePassword(result.data, resticEnvironment, request.file ?? configFilesOf(home).tool, files);
  return {settings: result.data, given: new Set(Object.keys(given)), home, files, resticEnvironment, secrets: secretsOf(result.data, resticEnvironment)};
}

/** Whether a password for the repositories is in files or environment. @throws TimetilesError `configuration` when a file cannot be read */
export function isPasswordGiven({file, environment}: LoadRequest): boolean {
  const keys = ['RESTIC_PASSWORD', 'RESTIC_PASSWORD_FILE', 'RESTIC_PASSWORD_COMMAND'];
  const places = [environment, ...readFiles(homeOf(environment), file).map(({values}) => values)];
  return places.some((values) => keys.some((key) => Boolean(values[key])));
}

function readFiles(home: string, file: string | undefined): ConfigFile[] {
  if (file !== undefined) {
    const read = readConfigFile(file, 'tool');
    if (!read) throw new TimetilesError('configuration', `${file} does not exist`, 'Name an existing file with --config.');
    return [read];
  }
  const {tool, app} = configFilesOf(home);
  const candidates = [readConfigFile(tool, 'tool'), readConfigFile(app, 'app')];
  return candidates.filter((candidate) => candidate !== undefined);
}

function requirePassword(settings: Settings, restic: Record<string, string>, main: string, files: readonly ConfigFile[]): void {
  if (settings.RESTIC_PASSWORD !== undefined || restic['RESTIC_PASSWORD_FILE'] || restic['RESTIC_PASSWORD_COMMAND']) return;
  const paths = files.map((file) => file.path).join(' and ');
  const where = files.length === 0 ? `${main} does not exist` : `${paths} ${files.length === 1 ? 'does' : 'do'} not set it`;
  throw new TimetilesError('configuration', `RESTIC_PASSWORD is not set (${where})`, `Write RESTIC_PASSWORD="…" into ${main}, mode 0600.`);
}

function secretsOf(settings: Settings, restic: Record<string, string>): string[] {
  const own = secretKeys.map((key: Key) => settings[key]);
  const inUrl = /:\/\/[^/@]*:([^/@]+)@/.exec(settings.RESTIC_OFFSITE_REPOSITORY ?? '')?.[1];
  return [...own, inUrl, ...resticSecrets.map((key) => restic[key])].filter((value) => typeof value === 'string');
}
