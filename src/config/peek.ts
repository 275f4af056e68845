import {readFileSync} from 'node:fs';
import {configFilesOf, defaultRepository, homeOf} from './home.ts';
import type {LoadRequest} from './load.ts';
import {parseConfigText, type FileOwner, type ParsedFile} from './parse.ts';
import {resolveFiles} from './resolve.ts';

/**
 * The path of the local repository, for the shell's completion: without the schema, whose import alone would take a third
 * of the time that an answer may take. What is wrong with a file is the affair of the command that will be run.
 */
export function peekRepository({file, environment}: LoadRequest): string {
  const {tool, app} = configFilesOf(homeOf(environment));
  const files = file === undefined ? [parsedFile(tool, 'tool'), parsedFile(app, 'app')] : [parsedFile(file, 'tool')];
  const values = resolveFiles(files, environment).map((resolved) => resolved.get('RESTIC_REPOSITORY')?.value);
  return [...values, environment['RESTIC_REPOSITORY']].findLast(Boolean) ?? defaultRepository;
}

function parsedFile(path: string, owner: FileOwner): ParsedFile {
  try {
    return parseConfigText(readFileSync(path, 'utf8'), owner);
  } catch {
    return {assignments: [], problems: []};
  }
}
