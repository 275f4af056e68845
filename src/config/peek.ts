import {readFileSync} from 'node:fs';
import {configFilesOf, defaultRepository, homeOf} from './home.ts';
import type {LoadRequest} from './load.ts';
import {parseConfigText} from './parse.ts';

/**
 * The path of the local repository, for the shell's completion: without the schema, whose import alone would take a third
 * of the time that an answer may take. What is wrong with a file is the affair of the command that will be run.
 */
export function peekRepository({file, environment}: LoadRequest): string {
  const {tool, app} = configFilesOf(homeOf(environment));
  const files = file === undefined ? [tool, app] : [file];
  const places = [...files.map((path) => valuesOf(path)), environment];
  return places.map((values) => values['RESTIC_REPOSITORY']).findLast(Boolean) ?? defaultRepository;
}

function valuesOf(path: string): Readonly<Record<string, string | undefined>> {
  try {
    return parseConfigText(readFileSync(path, 'utf8')).values;
  } catch {
    return {};
  }
}
