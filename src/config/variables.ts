import type {GivenFile, GivenValue} from './given.ts';
import {secretNames, shellKeys} from './keys.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Given = ReadonlyMap<string, GivenValue>;

/** A variable of anybody's whose name says that its value is nobody's business. */
const looksSecret = /PASS|SECRET|TOKEN|KEY|CREDENTIAL/i;

/**
 * The variables that the operator's own commands refer to. The shell that runs a command expands them, so that it finds here the
 * values of the files, and no secret stands on its command line.
 */
export function commandVariables(given: Given, files: readonly GivenFile[], environment: Environment): Record<string, string> {
  const names = [...given].filter(([key]) => shellKeys.has(key)).flatMap(([, {value}]) => namesIn(value));
  const variables = names.map((name) => [name, variableValue(name, files, environment)] as const);
  return Object.fromEntries(variables.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
}

/** Every secret value of a configuration: expanded, and the secrets that it was expanded from. */
export function secretsOf(given: Given, files: readonly GivenFile[], environment: Environment): string[] {
  const own = [...given].filter(([key]) => secretNames.has(key)).map(([, {value}]) => value);
  const inUrl = /:\/\/[^/@]*:([^/@]+)@/.exec(given.get('RESTIC_OFFSITE_REPOSITORY')?.value ?? '')?.[1];
  const names = [...given.values()].flatMap(({value, variables}) => [...variables, ...namesIn(value)]);
  const referred = names.filter((name) => looksSecret.test(name)).map((name) => variableValue(name, files, environment));
  return [...new Set([...own, inUrl, ...referred])].filter((value) => value !== undefined).filter((value) => value !== '');
}

/** What a variable is worth to this installation: in the environment, else in its files, the later of which wins. */
function variableValue(name: string, files: readonly GivenFile[], environment: Environment): string | undefined {
  const inFiles = files.map(({values}) => values.get(name)).filter((found) => found !== undefined && found.problem === undefined);
  return environment[name] ?? inFiles.at(-1)?.value;
}

/** The names of variables in a text that a shell will expand. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?([A-Za-z_][A-Za-z0-9_]*)/g)].map(([, name]) => name ?? '');
}
