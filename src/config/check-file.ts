import {basename} from 'node:path';
import {TimetilesError} from '../shared/errors.ts';
import {describeUnexpanded, gatherValues, plainValues} from './given.ts';
import {appFileName} from './home.ts';
import {configurationPaths, passwordKeys, readAnew, withValues, type LoadRequest, type ReadFile} from './load.ts';
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
 * Checks files as they would be read, each alone: the one that is named, else those of the installation that are there. Of the others and of the
 * environment only what a value refers to is looked for. A file of the name `.env.production` is judged as the app's own, in which other keys
 * are the app's affair.
 * @throws TimetilesError `configuration` when there is none, or one cannot be read
 */
export function checkConfiguration(request: LoadRequest): readonly FileCheck[] {
  const places = configurationPaths(request).map(({path}) => path);
  const inspected = places.map((path) => inspectConfigFile(path, basename(path) === appFileName ? 'app' : 'tool')).filter((found) => found !== undefined);
  if (inspected.length === 0) {
    throw new TimetilesError('configuration', places.length > 1 ? `neither ${places.join(' nor ')} exists` : `${places.join('')} does not exist`, 'Name an existing file: timetiles config check FILE');
  }
  const files = withValues(inspected.map(({file}) => file), request.environment);
  return files.map((file, index) => checkFile(file, inspected[index]?.problems ?? []));
}

function checkFile(file: ReadFile, problems: readonly FileProblem[]): FileCheck {
  const {path} = file;
  const given = gatherValues([file], {});
  // What is malformed is told once: the value that was read of it is not what was meant.
  const told = new Set(problems.map(({key}) => key));
  const at = (key: string) => ({key, ...(file.values.has(key) && {line: file.values.get(key)?.line ?? 0})});
  const unexpanded = [...given].flatMap(([key, {problem, isReadAnew}]): FileProblem[] => {
    if (told.has(key)) return [];
    if (problem !== undefined) return [{...at(key), ...describeUnexpanded(key, problem)}];
    return key === 'RESTIC_PASSWORD' && isReadAnew === true ? [{...at(key), ...readAnew}] : [];
  });
  const issues = settingsSchema.safeParse(plainValues(given)).error?.issues ?? [];
  const wrongValues = issues.flatMap((issue): FileProblem[] => {
    const key = String(issue.path[0]);
    return told.has(key) ? [] : [{...at(key), message: `${key} ${issue.message}`, next: `Correct ${key} in ${path}.`}];
  });
  const byLine = [...problems, ...unexpanded, ...wrongValues].toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return {path, problems: byLine, values: given.size, hasPassword: passwordKeys.some((key) => given.has(key))};
}
