import {basename} from 'node:path';
import {TimetilesError} from '../shared/errors.ts';
import {appFileName} from './home.ts';
import {knownKeys, resticVariables} from './keys.ts';
import type {ResolvedFile, ResolvedValue} from './resolve.ts';

/** Where a value comes from. */
export type Origin = {readonly kind: 'default'} | {readonly kind: 'file'; readonly file: string; readonly line: number} | {readonly kind: 'environment'};

/** A value that a file or the environment gives. */
export interface GivenValue {
  readonly value: string;
  readonly origin: Origin;
  /** The variables that a file's value was expanded from. */
  readonly variables: readonly string[];
  /** Why it could not be expanded; the value is then empty. */
  readonly problem?: ResolvedValue['problem'];
  /** Another value than the first version read from the same line. */
  readonly isReadAnew?: boolean;
}

/** A file whose references are expanded. */
export interface GivenFile {
  readonly path: string;
  readonly values: ResolvedFile;
}

/** The values of our keys and restic's variables: of the files in their order, then of the environment. The later wins, and an empty one takes the earlier away. */
export function gatherValues(files: readonly GivenFile[], environment: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, GivenValue> {
  const given = new Map<string, GivenValue>();
  const take = (key: string, found: GivenValue) => {
    if (!knownKeys.has(key) && !resticVariables.has(key)) return;
    if (found.value === '' && found.problem === undefined) given.delete(key);
    else given.set(key, found);
  };
  for (const {path, values} of files) {
    for (const [key, {line, ...found}] of values) take(key, {...found, origin: {kind: 'file', file: path, line}});
  }
  for (const [key, value] of Object.entries(environment)) {
    if (value !== undefined) take(key, {value, variables: [], origin: {kind: 'environment'}});
  }
  // The app's own key cannot be taken out of the app's file; who names a volume elsewhere means that instead.
  if (isOfApp(given.get('UPLOAD_HOST_DIR')) && given.has('UPLOADS_VOLUME') && !isOfApp(given.get('UPLOADS_VOLUME'))) given.delete('UPLOAD_HOST_DIR');
  return given;
}

function isOfApp(given: GivenValue | undefined): boolean {
  return given?.origin.kind === 'file' && basename(given.origin.file) === appFileName;
}

/** The values alone, without those that could not be expanded. */
export function plainValues(given: ReadonlyMap<string, GivenValue>): Record<string, string> {
  return Object.fromEntries([...given].filter(([, {problem}]) => problem === undefined).map(([key, {value}]) => [key, value]));
}

/** The place of a value as an error names it. */
export function placeOf(given: GivenValue | undefined): string {
  if (given === undefined || given.origin.kind === 'default') return 'the configuration';
  return given.origin.kind === 'file' ? `${given.origin.file} line ${given.origin.line}` : 'the environment';
}

/** What is wrong with a value that could not be expanded, without its place, and what to do about it. */
export function describeUnexpanded(key: string, problem: NonNullable<GivenValue['problem']>): {message: string; next: string} {
  const {reference, variable, reason, laterLine} = problem;
  const literal = `If the $ is part of the value, put the value into single quotes: ${key}='…'`;
  if (variable === undefined) return {message: `${key} holds ${reference}, which ${reason}`, next: `Write \${VARIABLE} or \${VARIABLE:-default}. ${literal}`};
  if (laterLine !== undefined) return {message: `${key} refers to ${reference}, which is set only further down, on line ${laterLine}`, next: `Move the line of ${variable} above that of ${key}, as compose needs it too. ${literal}`};
  return {message: `${key} refers to ${reference}, which ${reason}`, next: `Set ${variable} above that line, or give a default: \${${variable}:-…}. ${literal}`};
}

/** The same as an error that is thrown where the value is used. */
export function unexpandedError(key: string, given: GivenValue, problem: NonNullable<GivenValue['problem']>): TimetilesError {
  const {message, next} = describeUnexpanded(key, problem);
  return new TimetilesError('configuration', `${placeOf(given)}: ${message}`, next);
}
