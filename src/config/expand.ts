/** What a variable is worth; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

/** Why a text cannot be expanded. */
export interface Unexpandable {
  /** What it refers to, such as `${DOMAIN_NAME}`; never a value. */
  readonly reference: string;
  /** The variable that is missing; undefined where the reference itself is wrong. */
  readonly variable?: string;
  /** Such as `is not set`. */
  readonly reason: string;
}

export interface Expansion {
  readonly value: string;
  /** The variables whose values were looked at, in their order. */
  readonly variables: readonly string[];
  readonly problem?: Unexpandable;
}

const named = /^[A-Za-z_][A-Za-z0-9_]*/;
const braced = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?$/s;
/** Nobody nests deeper, and the text comes from a file. */
const deepest = 50;

/**
 * Expands `$VAR`, `${VAR}` and the forms with `:-`, `-`, `:?`, `?`, `:+` and `+` as compose does (docs/decisions/0012-expansion.md),
 * but for a variable without a value: compose goes on with an empty text, here it is a problem. Pure, and no shell anywhere.
 */
export function expandTemplate(template: string, lookup: Lookup, depth = 0): Expansion {
  const variables: string[] = [];
  let value = '';
  let problem: Unexpandable | undefined;
  const take = (part: Expansion) => {
    value += part.value;
    variables.push(...part.variables);
    problem ??= part.problem;
  };
  let at = 0;
  while (at < template.length) {
    const dollar = template.indexOf('$', at);
    if (dollar === -1) break;
    value += template.slice(at, dollar);
    const rest = template.slice(dollar + 1);
    const name = named.exec(rest)?.[0];
    if (rest.startsWith('{')) {
      const end = endOfBraces(rest) ?? rest.length;
      take(end < rest.length ? expandBraced(rest.slice(1, end), lookup, depth) : unknownReference(rest.slice(1)));
      at = dollar + 1 + end + 1;
    } else if (name !== undefined) {
      take(plain(name, `$${name}`, lookup));
      at = dollar + 1 + name.length;
    } else {
      value += '$';
      at = dollar + (rest.startsWith('$') ? 2 : 1);
    }
  }
  return {value: value + template.slice(at), variables, ...(problem && {problem})};
}

/** Where the brace that opens the text closes: its own counterpart, else the last one there is. */
function endOfBraces(text: string): number | undefined {
  let open = 0;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '{') open += 1;
    if (text[index] === '}') open -= 1;
    if (open === 0) return index;
  }
  const last = text.lastIndexOf('}');
  return last === -1 ? undefined : last;
}

function expandBraced(body: string, lookup: Lookup, depth: number): Expansion {
  const [whole, name = '', operator = '', argument = ''] = braced.exec(body) ?? [];
  if (whole === undefined || depth > deepest) return unknownReference(body);
  const reference = `\${${name}}`;
  const found = lookup(name);
  const isThere = operator.startsWith(':') ? found !== undefined && found !== '' : found !== undefined;
  if (operator === '') return plain(name, reference, lookup);
  if (operator.endsWith('+')) return isThere ? expandTemplate(argument, lookup, depth + 1) : {value: found ?? '', variables: []};
  if (isThere) return plain(name, reference, lookup);
  if (operator.endsWith('-')) return expandTemplate(argument, lookup, depth + 1);
  const reason = `${found === undefined ? 'is not set' : 'is empty'}${argument === '' ? '' : ` (${argument})`}`;
  return {value: '', variables: [], problem: {reference, variable: name, reason}};
}

function unknownReference(body: string): Expansion {
  return {value: '', variables: [], problem: {reference: `\${${named.exec(body)?.[0] ?? ''}…`, reason: 'is no reference that compose knows'}};
}

function plain(name: string, reference: string, lookup: Lookup): Expansion {
  const value = lookup(name);
  if (value !== undefined) return {value, variables: [name]};
  return {value: '', variables: [], problem: {reference, variable: name, reason: 'is not set'}};
}
