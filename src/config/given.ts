import {knownKeys, resticVariables} from './keys.ts';
import type {ConfigFile} from './read-file.ts';

/** Where a value comes from. */
export type Origin = {readonly kind: 'default'} | {readonly kind: 'file'; readonly file: string; readonly line: number} | {readonly kind: 'environment'};

/** A value that a file or the environment gives. */
export interface GivenValue {
  readonly value: string;
  readonly origin: Origin;
}

/** The values of our keys and restic's variables: of the files in their order, then of the environment. The later wins, and an empty one takes the earlier away. */
export function gatherValues(files: readonly Pick<ConfigFile, 'path' | 'values' | 'lines'>[], environment: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, GivenValue> {
  const given = new Map<string, GivenValue>();
  const take = (key: string, value: string | undefined, origin: Origin) => {
    if (value === undefined || (!knownKeys.has(key) && !resticVariables.has(key))) return;
    if (value === '') given.delete(key);
    else given.set(key, {value, origin});
  };
  for (const {path, values, lines} of files) {
    for (const [key, value] of Object.entries(values)) take(key, value, {kind: 'file', file: path, line: lines[key] ?? 0});
  }
  for (const [key, value] of Object.entries(environment)) take(key, value, {kind: 'environment'});
  return given;
}

/** The values alone. */
export function plainValues(given: ReadonlyMap<string, GivenValue>): Record<string, string> {
  return Object.fromEntries([...given].map(([key, {value}]) => [key, value]));
}

/** The place of a value as an error names it. */
export function placeOf(given: GivenValue | undefined): string {
  if (given === undefined || given.origin.kind === 'default') return 'the configuration';
  return given.origin.kind === 'file' ? `${given.origin.file} line ${given.origin.line}` : 'the environment';
}
