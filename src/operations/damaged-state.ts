import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {messageOf, systemCode} from '../shared/errors.ts';
import {shellWord} from '../shared/format.ts';
import {parseJson} from '../shared/parse-json.ts';
import type {Context} from './context.ts';

/** Larger files are none of this tool's. */
const mostBytes = 64 * 1024 * 1024;

/**
 * The files of this host's state that cannot be read, a line each. What they said is forgotten where that is safe; a
 * journal or a record of kept data that cannot be read stops what would need it.
 */
export function damagedState({stateDirectory}: Pick<Context, 'stateDirectory'>): string[] {
  let names: string[];
  try {
    names = readdirSync(stateDirectory).filter((name) => name.endsWith('.json'));
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? [] : [`${stateDirectory} cannot be read, so nothing is known of earlier runs: ${messageOf(error)}`];
  }
  return names.toSorted().flatMap((name) => {
    const problem = problemOf(join(stateDirectory, name));
    return problem === undefined ? [] : [`${join(stateDirectory, name)} ${problem}, so what it said is forgotten. If it is none of yours: rm -r ${shellWord(join(stateDirectory, name))}`];
  });
}

function problemOf(path: string): string | undefined {
  try {
    if (statSync(path).size > mostBytes) return 'is no file of this tool';
    return parseJson(readFileSync(path, 'utf8')) === undefined ? 'is damaged' : undefined;
  } catch (error) {
    // Another command may just have removed it.
    return systemCode(error) === 'ENOENT' ? undefined : `cannot be read (${messageOf(error)})`;
  }
}
