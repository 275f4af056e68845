import {parseConfigText, type FileOwner} from '../../../src/config/parse.ts';
import {resolveFiles, type ResolvedValue} from '../../../src/config/resolve.ts';

/** What is read of one file: the values by key, those that could not be expanded left out. */
export function readText(text: string, owner: FileOwner = 'tool', environment: Record<string, string> = {}) {
  const parsed = parseConfigText(text, owner);
  const resolved: [string, ResolvedValue][] = resolveFiles([parsed], environment).flatMap((file) => [...file]);
  const values = Object.fromEntries(resolved.filter(([, {problem}]) => problem === undefined).map(([key, {value}]) => [key, value]));
  const unexpanded = Object.fromEntries(resolved.flatMap(([key, {problem}]) => (problem === undefined ? [] : [[key, problem]])));
  return {values, lines: Object.fromEntries(resolved.map(([key, {line}]) => [key, line])), unexpanded, problems: parsed.problems};
}
