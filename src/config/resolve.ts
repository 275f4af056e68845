import {expandTemplate, type Lookup, type Unexpandable} from './expand.ts';
import {shellKeys} from './keys.ts';
import type {Assignment, ParsedFile} from './parse.ts';

/** A value of a file, with its references expanded. */
export interface ResolvedValue {
  readonly value: string;
  /** The line of the file, counted from 1. */
  readonly line: number;
  /** The variables that it was expanded from. */
  readonly variables: readonly string[];
  /** Why it could not be expanded; the value is then worth nothing. */
  readonly problem?: Unexpandable & {readonly laterLine?: number};
  /** Another value than the first version read from this line. */
  readonly isReadAnew: boolean;
}

export type ResolvedFile = ReadonlyMap<string, ResolvedValue>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Expands the references in the values of files, the later of which wins. As for compose, the environment comes before the file and only
 * lines above count; what neither has is looked for in the other files. Pure.
 */
export function resolveFiles(files: readonly ParsedFile[], environment: Environment): ResolvedFile[] {
  const alone = files.map((file) => resolveFile(file, environment, () => undefined));
  const elsewhere = (index: number): Lookup => (name) => alone.filter((_, other) => other !== index).map((file) => valueOf(file, name)).findLast((value) => value !== undefined);
  return files.map((file, index) => resolveFile(file, environment, elsewhere(index)));
}

function resolveFile({assignments}: ParsedFile, environment: Environment, elsewhere: Lookup): ResolvedFile {
  const values = new Map<string, ResolvedValue>();
  for (const assignment of assignments) {
    const {key, line} = assignment;
    if ('inherited' in assignment) {
      const value = environment[key];
      if (value !== undefined) values.set(key, {value, line, variables: [], isReadAnew: false});
      continue;
    }
    const lookup: Lookup = (name) => environment[name] ?? valueOf(values, name) ?? elsewhere(name);
    values.set(key, resolveValue(assignment, lookup));
    const problem = values.get(key)?.problem;
    if (problem?.variable === undefined) continue;
    // A variable that could not be expanded itself: the one that is missing is further up the chain.
    const cause = values.get(problem.variable)?.problem;
    const laterLine = assignments.find((later) => later.key === problem.variable && later.line > line)?.line;
    values.set(key, {value: '', line, variables: [], isReadAnew: false, problem: {...problem, ...cause, ...(laterLine !== undefined && {laterLine})}});
  }
  return values;
}

function resolveValue({key, line, text, template, raw}: Assignment, lookup: Lookup): ResolvedValue {
  // A command's own shell does this, and finds the same values in its environment (see commandVariables).
  if (template === undefined || shellKeys.has(key)) return {value: text, line, variables: [], isReadAnew: text !== raw};
  const {value, variables, problem} = expandTemplate(template, lookup);
  const asFirstVersion = raw.replaceAll('\\n', '\n').replaceAll('\\r', '\r');
  const isReadAnew = !template.includes('${') && (value !== asFirstVersion || problem !== undefined);
  return {value, line, variables: [...new Set(variables)], isReadAnew, ...(problem && {problem})};
}

function valueOf(file: ResolvedFile, name: string): string | undefined {
  const found = file.get(name);
  return found?.problem === undefined ? found?.value : undefined;
}
