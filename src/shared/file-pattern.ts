/** What an operator looks for: a part of a name, or a glob with `*`, `?` and `[ ]`. With a slash, of the end of a path. */
export interface FilePattern {
  /** The same or more, in restic's own words. */
  readonly restic: string;
  matches(path: string, ignoreCase: boolean): boolean;
}

type Token = {readonly text: string} | {readonly restic: string; readonly expression: string};

/** A backslash takes the meaning from the next character; a bracket that nobody closes is itself. Pure. */
export function parseFilePattern(pattern: string): FilePattern {
  const tokens = tokenize(pattern.replace(/^\/+|\/+$/g, ''));
  const isGlob = tokens.some((token) => 'restic' in token);
  const restic = tokens.map((token) => ('text' in token ? escapeGlob(token.text) : token.restic)).join('');
  const expression = tokens.map((token) => ('text' in token ? escapeExpression(token.text) : token.expression)).join('');
  const [before, after] = isGlob ? ['(?:^|/)', '$'] : ['', '[^/]*$'];
  const exact = new RegExp(`${before}${expression}${after}`, 'su');
  const loose = new RegExp(exact.source, 'sui');
  return {restic: isGlob ? restic : `*${restic}*`, matches: (path, ignoreCase) => (ignoreCase ? loose : exact).test(path)};
}

/** A path that stands for itself in restic's patterns. What is no UTF-8 came as U+FFFD, for which `?` may stand. */
export function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]]/g, '\\$&').replaceAll('\uFFFD', '?');
}

function escapeExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  const parts = /\\(.)|(\*+)|(\?)|\[([!^]?)((?:\\.|[^\]/\\])+)\]|(.)/gsu;
  for (const [, escaped, star, one, not, members, plain] of pattern.matchAll(parts)) {
    if (star !== undefined) tokens.push({restic: '*', expression: '[^/]*'});
    else if (one !== undefined) tokens.push({restic: '?', expression: '[^/]'});
    else if (members !== undefined && isClass(members)) {
      const inside = members.replace(/\\(.)/gsu, '$1').replace(/[\\\][^]/g, '\\$&');
      tokens.push({restic: '?', expression: `[${not === '' ? '' : '^/'}${inside}]`});
    } else tokens.push({text: escaped ?? plain ?? `[${not ?? ''}${members ?? ''}]`});
  }
  return tokens;
}

/** Not a range that runs backwards. */
function isClass(members: string): boolean {
  return [...members.matchAll(/(.)-(.)/gsu)].every(([, from = '', to = '']) => from <= to);
}
