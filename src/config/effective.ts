import {createRedactor, withoutPassword} from '../shared/redact.ts';
import {describeUnexpanded, type Origin} from './given.ts';
import {keyGroups, resticVariables, secretNames} from './keys.ts';
import {configurationPaths, readConfiguration, type LoadRequest} from './load.ts';
import {settingsSchema} from './settings.ts';
import {secretsOf} from './variables.ts';

/** One value that is in effect, as it may be shown. */
export interface EffectiveValue {
  readonly key: string;
  /** `***` stands for a secret that is set, null for nothing. */
  readonly value: string | null;
  readonly origin: Origin;
  readonly secret: boolean;
  /** The variables that the value was expanded from; absent where there are none. */
  readonly expandedFrom?: readonly string[];
  /** Why the value cannot be used, which is an error of whatever uses it. */
  readonly unexpanded?: string;
}

export interface EffectiveConfiguration {
  readonly home: string;
  /** Where values are looked for, in the order in which the later wins. */
  readonly files: readonly {readonly path: string; readonly read: boolean}[];
  readonly groups: readonly {readonly title: string; readonly values: readonly EffectiveValue[]}[];
}

/** What stands in for a secret. */
const mask = '***';
/** A command line of its own may hold a password too. */
const masked = new Set([...secretNames, 'RESTIC_PASSWORD_COMMAND']);
/** Free text, into which a secret of the configuration may have been copied. */
const freeText = new Set(['BACKUP_PRE_COMMAND', 'BACKUP_POST_COMMAND', 'BACKUP_FILES_QUERY']);

/**
 * What is in effect, and where each value comes from, without any secret. A missing password is shown as such.
 * @throws TimetilesError `configuration` that names file, line, key and remedy
 */
export function effectiveConfiguration(request: LoadRequest): EffectiveConfiguration {
  const {home, files, given} = readConfiguration(request);
  const redact = createRedactor(secretsOf(given, files, request.environment));
  const show = (key: string, value: string) => {
    if (masked.has(key)) return mask;
    return freeText.has(key) ? redact(withoutPassword(value)) : withoutPassword(value);
  };
  const defaults: Readonly<Record<string, unknown>> = settingsSchema.parse({});
  const valueOf = (key: string): EffectiveValue => {
    const secret = masked.has(key);
    const found = given.get(key);
    if (found?.problem) return {key, value: null, origin: found.origin, secret, unexpanded: describeUnexpanded(key, found.problem).message};
    if (found) return {key, value: show(key, found.value), origin: found.origin, secret, ...(found.variables.length > 0 && {expandedFrom: found.variables})};
    const fallback = defaults[key];
    return {key, value: typeof fallback === 'string' || typeof fallback === 'number' ? String(fallback) : null, origin: {kind: 'default'}, secret};
  };
  const ofRestic = [...given.keys()].filter((key) => resticVariables.has(key)).toSorted();
  return {
    home,
    files: configurationPaths(request).map(({path}) => ({path, read: files.some((file) => file.path === path)})),
    groups: [
      ...keyGroups.map(({title, keys}) => ({title, values: keys.map(({key}) => valueOf(key))})),
      ...(ofRestic.length === 0 ? [] : [{title: "restic's own variables", values: ofRestic.map((key) => valueOf(key))}]),
    ],
  };
}
