import {basename} from 'node:path';
import {TimetilesError} from '../shared/errors.ts';
import {gatherValues, plainValues} from './given.ts';
import {configurationPaths, passwordKeys, type LoadRequest} from './load.ts';
import {inspectConfigFile, type FileProblem} from './read-file.ts';
import {settingsSchema} from './settings.ts';

/** What is wrong in one configuration file, everything at once. */
export interface FileCheck {
  readonly path: string;
  readonly problems: readonly FileProblem[];
  /** How many of our keys and restic's variables it gives a value. */
  readonly values: number;
  /** It says where the password of the repositories is. */
  readonly hasPassword: boolean;
}

/**
 * Checks files as they would be read, each alone and without the environment: the one that is named, else those of the installation that are there.
 * A file of the name `.env.production` is judged as the app's own, in which other keys are the app's affair.
 * @throws TimetilesError `configuration` when there is none, or one cannot be read
 */
export function checkConfiguration(request: LoadRequest): readonly FileCheck[] {
  const places = configurationPaths(request).map(({path}) => path);
  const checks = places.map((path) => checkFile(path)).filter((check) => check !== undefined);
  if (checks.length > 0) return checks;
  throw new TimetilesError('configuration', places.length > 1 ? `neither ${places.join(' nor ')} exists` : `${places.join('')} does not exist`, 'Name an existing file: timetiles config check FILE');
}

function checkFile(path: string): FileCheck | undefined {
  const inspected = inspectConfigFile(path, basename(path) === '.env.production' ? 'app' : 'tool');
  if (inspected === undefined) return undefined;
  const {file, problems} = inspected;
  const given = gatherValues([file], {});
  // What is malformed is told once: the value that was read of it is not what was meant.
  const told = new Set(problems.map(({key}) => key));
  const issues = settingsSchema.safeParse(plainValues(given)).error?.issues ?? [];
  const wrongValues = issues.flatMap((issue): FileProblem[] => {
    const key = String(issue.path[0]);
    const line = file.lines[key];
    return told.has(key) ? [] : [{...(line === undefined ? {} : {line}), key, message: `${key} ${issue.message}`, next: `Correct ${key} in ${path}.`}];
  });
  const byLine = [...problems, ...wrongValues].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return {path, problems: byLine, values: given.size, hasPassword: passwordKeys.some((key) => given.has(key))};
}
